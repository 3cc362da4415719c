using System.Text.Json.Serialization;
using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>How training timesteps are drawn: see <see cref="TimestepSampler"/>.</summary>
[JsonConverter(typeof(NamedEnum<TimestepSampling>))]
public enum TimestepSampling
{
    /// <summary>Independent of each other.</summary>
    [JsonStringEnumMemberName("uniform")]
    Uniform,

    /// <summary>Spread evenly over the range from one random offset.</summary>
    [JsonStringEnumMemberName("stratified")]
    Stratified,
}
