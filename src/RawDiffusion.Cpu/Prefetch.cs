using System.Runtime.Intrinsics.X86;

namespace RawDiffusion.Cpu;

/// <summary>Brings a contiguous piece of memory towards the second-level cache in equal shares, while other work goes on.</summary>
internal ref struct Prefetch
{
    private const int LineBytes = 64;
    private readonly int _linesPerShare;
    private unsafe byte* _next;
    private unsafe readonly byte* _end;

    /// <summary>Divides <paramref name="floats"/> into <paramref name="shares"/>; nothing where the count is 0.</summary>
    public unsafe Prefetch(float* first, long floats, long shares)
    {
        _next = (byte*)first;
        _end = (byte*)(first + floats);
        _linesPerShare = (int)((_end - _next) / LineBytes / Math.Max(1, shares)) + 1;
    }

    /// <summary>Asks for the next share.</summary>
    public unsafe void Next()
    {
        if (!Sse.IsSupported)
        {
            return;
        }
        byte* end = _next + Math.Min(_end - _next, _linesPerShare * (long)LineBytes);
        for (; _next < end; _next += LineBytes)
        {
            Sse.Prefetch1(_next);
        }
    }
}
