namespace RawDiffusion.Cpu;

/// <summary>The sizes in which the register-tile kernels find their operands.</summary>
internal static class Blocking
{
    /// <summary>Channels of a block: operands whose scalars are broadcast lie as [block][pixel][16], so that neighbouring pixels are one cache line apart.</summary>
    public const int Channels = 16;

    /// <summary>Columns of a panel: operands that are read as vectors lie as [panel][…][32].</summary>
    public const int Columns = 32;

    /// <summary>Number of blocks of <paramref name="size"/> that hold <paramref name="count"/>.</summary>
    public static int Count(int count, int size) => (count + size - 1) / size;
}
