using RawDiffusion.Diffusion;

namespace RawDiffusion.Pipelines;

/// <summary>How a model's variational bound is evaluated.</summary>
public sealed record BoundRequest
{
    /// <summary>How many images, from the first on.</summary>
    public required int Count { get; init; }

    /// <summary>The variance of the reverse process.</summary>
    public ReverseVariance Variance { get; init; } = ReverseVariance.FixedSmall;

    /// <summary>The bound of |x̂_0|; +∞ for none.</summary>
    public double Clip { get; init; } = 1;

    /// <summary>
    /// How many of the terms L_1 … L_{T−1} of each image are computed: as many strata of timesteps give one each, whose sum is unbiased. Null for all of them. L_0 and
    /// L_T are always computed.
    /// </summary>
    public int? TermsPerImage { get; init; }

    /// <summary>Images at a time.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Image i's noise and timesteps depend on the seed and on i alone.</summary>
    public ulong Seed { get; init; }
}
