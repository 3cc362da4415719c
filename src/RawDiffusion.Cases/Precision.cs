namespace RawDiffusion.Cases;

/// <summary>The arithmetic of a device under test: how exact its results can be.</summary>
public enum Precision
{
    /// <summary>Double precision.</summary>
    Float64,

    /// <summary>Single precision throughout.</summary>
    Float32,

    /// <summary>Single-precision sums of products rounded to TF32 or bf16.</summary>
    Reduced,
}
