namespace RawDiffusion.Training.Configuration;

/// <summary>The names that a configuration's choices are written with.</summary>
public static class KnownNames
{
    /// <summary>Values of <see cref="DiffusionConfig.BetaSchedule"/>.</summary>
    public static IReadOnlyList<string> BetaSchedules { get; } = ["linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"];

    /// <summary>Values of <see cref="DiffusionConfig.Prediction"/>.</summary>
    public static IReadOnlyList<string> Predictions { get; } = ["epsilon", "sample", "v_prediction"];

    /// <summary>Values of <see cref="DiffusionConfig.LossWeighting"/>.</summary>
    public static IReadOnlyList<string> LossWeightings { get; } = ["simple", "min_snr"];

    /// <summary>Values of <see cref="DiffusionConfig.TimestepSampling"/>.</summary>
    public static IReadOnlyList<string> TimestepSamplings { get; } = ["uniform", "stratified"];

    /// <summary>Values of <see cref="SamplingConfig.Sampler"/>.</summary>
    public static IReadOnlyList<string> Samplers { get; } = ["ddpm", "ddim", "dpmpp_2m"];

    /// <summary>Values of <see cref="SamplingConfig.Variance"/>.</summary>
    public static IReadOnlyList<string> Variances { get; } = ["fixed_small", "fixed_large"];

    /// <summary>Values of <see cref="DeviceConfig.Name"/>, but for <c>cuda:i</c>.</summary>
    public static IReadOnlyList<string> Devices { get; } = ["auto", "cpu", "cuda"];

    /// <summary>Values of <see cref="DeviceConfig.Precision"/>.</summary>
    public static IReadOnlyList<string> Precisions { get; } = ["auto", "fp32", "tf32", "bf16"];

    /// <summary>What the field calls some of these besides, too far from the name here for an edit distance.</summary>
    internal static IReadOnlyDictionary<string, string> OtherNames { get; } = new Dictionary<string, string>
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
}
