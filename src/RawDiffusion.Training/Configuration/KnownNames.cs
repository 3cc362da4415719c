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

    private static readonly Dictionary<string, string> _otherKeys = new()
    {
        ["lr"] = "learning_rate",
        ["batch_size"] = "batch",
        ["train_batch_size"] = "batch",
        ["max_steps"] = "steps",
        ["max_train_steps"] = "steps",
        ["num_steps"] = "steps",
        ["iterations"] = "steps",
        ["max_grad_norm"] = "max_norm",
        ["grad_clip"] = "max_norm",
        ["warmup_steps"] = "warm_up",
        ["warmup"] = "warm_up",
        ["num_timesteps"] = "timesteps",
        ["num_train_timesteps"] = "timesteps",
        ["noise_schedule"] = "beta_schedule",
        ["objective"] = "prediction",
        ["prediction_type"] = "prediction",
        ["resolution"] = "resize",
        ["image_size"] = "resize",
        ["num_samples"] = "count",
        ["guidance_scale"] = "guidance",
    };

    /// <summary>The last name of the key that a name of other programs stands for; the name itself where it is none of those.</summary>
    public static string KeyOf(string name) => _otherKeys.GetValueOrDefault(name, name);

    /// <summary>The names of an enum's values; null for another type.</summary>
    public static IReadOnlyList<string>? Of(Type type) => _choices.GetValueOrDefault(type);

    /// <summary>What a name was probably meant to be, as a half sentence with its space before it, or nothing.</summary>
    /// <param name="name">What was written.</param>
    /// <param name="known">What could have been meant.</param>
    public static string Hint(string name, IReadOnlyList<string> known) =>
        _otherNames.TryGetValue(name, out string? usual) && known.Contains(usual) ? $" (did you mean {usual}?)" : NearestName.Suggestion(name, known);
}
