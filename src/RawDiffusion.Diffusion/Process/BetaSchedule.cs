using System.Text.Json.Serialization;
using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>The formulas that give β_t, under the names of diffusers' <c>beta_schedule</c>.</summary>
[JsonConverter(typeof(NamedEnum<BetaSchedule>))]
public enum BetaSchedule
{
    /// <summary>β rises linearly: <see cref="NoiseSchedule.Linear"/>.</summary>
    [JsonStringEnumMemberName("linear")]
    Linear,

    /// <summary>√β rises linearly: <see cref="NoiseSchedule.ScaledLinear"/>.</summary>
    [JsonStringEnumMemberName("scaled_linear")]
    ScaledLinear,

    /// <summary>ᾱ falls like a squared cosine: <see cref="NoiseSchedule.Cosine"/>.</summary>
    [JsonStringEnumMemberName("squaredcos_cap_v2")]
    Cosine,

    /// <summary>β rises along the logistic function: <see cref="NoiseSchedule.Sigmoid"/>.</summary>
    [JsonStringEnumMemberName("sigmoid")]
    Sigmoid,
}
