using System.Runtime.InteropServices;

namespace RawDiffusion.Cuda.Driver;

/// <summary>An array of zero-terminated UTF-8 strings for a C function.</summary>
internal sealed unsafe class NativeStrings : IDisposable
{
    private readonly int _count;

    public NativeStrings(params string[] strings)
    {
        _count = strings.Length;
        Pointers = (byte**)NativeMemory.AllocZeroed((nuint)Math.Max(1, _count), (nuint)sizeof(byte*));
        for (int i = 0; i < _count; i++)
        {
            Pointers[i] = (byte*)Marshal.StringToCoTaskMemUTF8(strings[i]);
        }
    }

    /// <summary>The array.</summary>
    public byte** Pointers { get; }

    public void Dispose()
    {
        for (int i = 0; i < _count; i++)
        {
            Marshal.FreeCoTaskMem((nint)Pointers[i]);
        }
        NativeMemory.Free(Pointers);
    }
}
