namespace RawDiffusion.Models;

/// <summary>Adam's constants (Kingma and Ba 2014), as PyTorch defaults them.</summary>
public sealed record AdamOptions
{
    /// <summary>β₁, the decay of the first moment.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂, the decay of the second moment.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε, added to √v̂.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>The largest global gradient norm; +∞ does not clip.</summary>
    public double MaxNorm { get; init; } = 1.0;
}
