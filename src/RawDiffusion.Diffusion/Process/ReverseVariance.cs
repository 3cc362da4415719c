using System.Text.Json.Serialization;
using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>Which variance ancestral sampling gives the reverse process (Ho et al. 2020, section 3.2).</summary>
[JsonConverter(typeof(NamedEnum<ReverseVariance>))]
public enum ReverseVariance
{
    /// <summary>β̃_t: right for data that is a single point.</summary>
    [JsonStringEnumMemberName("fixed_small")]
    FixedSmall,

    /// <summary>β_t: right for normally distributed data. The paper's choice.</summary>
    [JsonStringEnumMemberName("fixed_large")]
    FixedLarge,
}
