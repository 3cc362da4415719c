using System.Text.Json.Serialization;
using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>Which S of the T timesteps a sampler visits, by diffusers' names (Lin et al. 2024, table 2).</summary>
[JsonConverter(typeof(NamedEnum<TimestepSpacing>))]
public enum TimestepSpacing
{
    /// <summary>0, k, 2k, … with k = ⌊T/S⌋: ends at 0, but starts below T−1.</summary>
    [JsonStringEnumMemberName("leading")]
    Leading,

    /// <summary>S points evenly from 0 to T−1, both included: what improved-diffusion calls respacing.</summary>
    [JsonStringEnumMemberName("linspace")]
    Linspace,

    /// <summary>T−1, T−1−k, … with k = T/S: starts at T−1, and the last step is as long as the others.</summary>
    [JsonStringEnumMemberName("trailing")]
    Trailing,
}
