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

/// <summary>Where one tap of a kernel finds its operands, in floats.</summary>
internal struct Tap
{
    /// <summary>From the output pixel's place in x to the pixel under the tap.</summary>
    public nint X;

    /// <summary>From the start of a block of weights to the tap's.</summary>
    public nint W;
}

/// <summary>
/// y[pixel][column] = start[column] + Σ x[pixel + tap][channel]·w[tap][channel][column] (+ residual) for two groups, A and B, of neighbouring pixels.
/// </summary>
internal unsafe struct PixelTile
{
    public float* XA, XB;
    public nint XBlockPitch;
    public int Blocks;
    public int LastChannels;
    public Tap* Taps;
    public int TapCount;
    public float* W;
    public nint WBlockPitch;
    public float* StartA, StartB;
    public nint StartPitch;
    public float* YA, YB;
    public nint YPitch;
    public bool HasResidual;
    public nint Residual;
}

/// <summary>sums[row][column] += Σ a[pixel][row]·b[pixel][column] over <see cref="Rows"/> rows of <see cref="Pixels"/> pixels.</summary>
internal unsafe struct WeightTile
{
    public float* A;
    public nint ARowPitch;
    public float* B;
    public nint BRowPitch;
    public int Rows;
    public int Pixels;
    public float* Sums;
    public nint SumsPitch;
}
