namespace RawDiffusion.Cpu;

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
