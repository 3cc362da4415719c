using System.Runtime.InteropServices;

namespace RawDiffusion.Cpu;

/// <summary>
/// Native memory aligned to a cache line. From 2 MiB on it starts on a large page, and Linux is asked to use such pages for it: a network's weights and
/// activations are walked through once per pass, which with pages of 4 KiB costs an address translation every few hundred instructions.
/// </summary>
internal static unsafe partial class NativePages
{
    private const nuint LineBytes = 64;
    private const nuint LargePageBytes = 2 << 20;
    private const int AdviseLargePages = 14;

    /// <summary>Memory of undefined content, for <see cref="Free"/>.</summary>
    /// <exception cref="OutOfMemoryException">There is no such memory.</exception>
    public static void* Allocate(long bytes)
    {
        bool large = (nuint)bytes >= LargePageBytes;
        void* memory = NativeMemory.AlignedAlloc((nuint)bytes, large ? LargePageBytes : LineBytes);
        if (large && OperatingSystem.IsLinux())
        {
            // A refusal costs nothing but speed.
            _ = Advise(memory, (nuint)bytes & ~(LargePageBytes - 1), AdviseLargePages);
        }
        return memory;
    }

    /// <summary>Gives memory back; null is allowed.</summary>
    public static void Free(void* memory) => NativeMemory.AlignedFree(memory);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* start, nuint bytes, int advice);
}
