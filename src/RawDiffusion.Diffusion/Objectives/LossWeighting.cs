using System.Text.Json.Serialization;
using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>What each timestep's squared error counts in the loss.</summary>
[JsonConverter(typeof(NamedEnum<LossWeighting>))]
public enum LossWeighting
{
    /// <summary>All alike: L_simple (Ho et al. 2020, eq. 14).</summary>
    [JsonStringEnumMemberName("simple")]
    Simple,

    /// <summary>Min-SNR-γ: <see cref="LossWeights.MinSnr"/>.</summary>
    [JsonStringEnumMemberName("min_snr")]
    MinSnr,
}
