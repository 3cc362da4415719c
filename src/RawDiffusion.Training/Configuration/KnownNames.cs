using RawDiffusion.Core;
using RawDiffusion.Diffusion;

namespace RawDiffusion.Training.Configuration;

/// <summary>The names that a configuration's choices are written with, and what else the field calls them.</summary>
internal static class KnownNames
{
    private static readonly Dictionary<Type, IReadOnlyList<string>> _choices = new()
    {
        [typeof(BetaSchedule)] = NamedEnum<BetaSchedule>.Names,
        [typeof(Prediction)] = NamedEnum<Prediction>.Names,
        [typeof(LossWeighting)] = NamedEnum<LossWeighting>.Names,
        [typeof(TimestepSampling)] = NamedEnum<TimestepSampling>.Names,
        [typeof(SamplerName)] = NamedEnum<SamplerName>.Names,
        [typeof(ReverseVariance)] = NamedEnum<ReverseVariance>.Names,
        [typeof(TimestepSpacing)] = NamedEnum<TimestepSpacing>.Names,
        [typeof(Precision)] = NamedEnum<Precision>.Names,
    };

    // Too far from the names here for an edit distance.
    private static readonly Dictionary<string, string> _otherNames = new()
    {
        ["cosine"] = "squaredcos_cap_v2",
        ["eps"] = "epsilon",
        ["noise"] = "epsilon",
        ["x0"] = "sample",
        ["v"] = "v_prediction",
        ["ancestral"] = "ddpm",
        ["dpm"] = "dpmpp_2m",
        ["dpm++"] = "dpmpp_2m",
        ["gpu"] = "cuda",
        ["float32"] = "fp32",
        ["bfloat16"] = "bf16",
    };

    /// <summary>The names of an enum's values; null for another type.</summary>
    public static IReadOnlyList<string>? Of(Type type) => _choices.GetValueOrDefault(type);

    /// <summary>What a name was probably meant to be, as a half sentence with its space before it, or nothing.</summary>
    /// <param name="name">What was written.</param>
    /// <param name="known">What could have been meant.</param>
    public static string Hint(string name, IReadOnlyList<string> known) =>
        _otherNames.TryGetValue(name, out string? usual) && known.Contains(usual) ? $" (did you mean {usual}?)" : NearestName.Suggestion(name, known);
}
