using System.Text.Json.Serialization;
using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>What the network is trained to say about x_t = √ᾱ·x_0 + √(1−ᾱ)·ε.</summary>
[JsonConverter(typeof(NamedEnum<Prediction>))]
public enum Prediction
{
    /// <summary>The noise ε (Ho et al. 2020).</summary>
    [JsonStringEnumMemberName("epsilon")]
    Epsilon,

    /// <summary>The data x_0.</summary>
    [JsonStringEnumMemberName("sample")]
    X0,

    /// <summary>The velocity v = √ᾱ·ε − √(1−ᾱ)·x_0 (Salimans and Ho 2022).</summary>
    [JsonStringEnumMemberName("v_prediction")]
    V,

    /// <summary>The mean μ of the posterior q(x_{t−1} | x_t, x_0).</summary>
    [JsonStringEnumMemberName("mu")]
    PosteriorMean,
}
