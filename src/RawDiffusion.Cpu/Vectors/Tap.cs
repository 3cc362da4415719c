namespace RawDiffusion.Cpu;

/// <summary>Where one tap of a kernel finds its operands, in floats.</summary>
internal struct Tap
{
    /// <summary>From the output pixel's place in x to the pixel under the tap.</summary>
    public nint X;

    /// <summary>From the start of a block of weights to the tap's.</summary>
    public nint W;
}
