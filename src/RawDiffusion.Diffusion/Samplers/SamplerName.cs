using System.Text.Json.Serialization;
using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>The samplers that a configuration can name.</summary>
[JsonConverter(typeof(NamedEnum<SamplerName>))]
public enum SamplerName
{
    /// <summary>Ancestral sampling: <see cref="AncestralSampler"/>.</summary>
    [JsonStringEnumMemberName("ddpm")]
    Ddpm,

    /// <summary>DDIM: <see cref="DdimSampler"/>.</summary>
    [JsonStringEnumMemberName("ddim")]
    Ddim,

    /// <summary>DPM-Solver++(2M): <see cref="DpmSolver2MSampler"/>.</summary>
    [JsonStringEnumMemberName("dpmpp_2m")]
    DpmSolver2M,

    /// <summary>PLMS: <see cref="PlmsSampler"/>.</summary>
    [JsonStringEnumMemberName("plms")]
    Plms,
}
