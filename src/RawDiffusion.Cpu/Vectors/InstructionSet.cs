namespace RawDiffusion.Cpu;

/// <summary>The vector instructions that the register-tile kernels are written for. Results differ between them in rounding only.</summary>
public enum InstructionSet
{
    /// <summary>128-bit vectors, on any processor (SSE, AdvSimd).</summary>
    Vector128,

    /// <summary>256-bit vectors with fused multiply-add (AVX2).</summary>
    Vector256,

    /// <summary>512-bit vectors (AVX-512).</summary>
    Vector512,
}
