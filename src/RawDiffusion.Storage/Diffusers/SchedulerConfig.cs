using System.Text.Json.Nodes;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// The configuration of a hub's noise schedule and sampler (<c>scheduler_config.json</c>), with the defaults that readers of the
/// format assume for a missing key.
/// </summary>
public sealed record SchedulerConfig
{
    /// <summary>Number of noise levels T. (<c>num_train_timesteps</c>)</summary>
    public int NumTrainTimesteps { get; init; } = 1000;

    /// <summary>First β. (<c>beta_start</c>)</summary>
    public double BetaStart { get; init; } = 1e-4;

    /// <summary>Last β. (<c>beta_end</c>)</summary>
    public double BetaEnd { get; init; } = 0.02;

    /// <summary>One of linear, scaled_linear, squaredcos_cap_v2, sigmoid. (<c>beta_schedule</c>)</summary>
    public string BetaSchedule { get; init; } = "linear";

    /// <summary>The βs themselves, T of them, in place of the four values above; null where the schedule is a formula. (<c>trained_betas</c>)</summary>
    public IReadOnlyList<double>? TrainedBetas { get; init; }

    /// <summary>One of fixed_small, fixed_large, learned_range. (<c>variance_type</c>)</summary>
    public string VarianceType { get; init; } = "fixed_small";

    /// <summary>Whether the predicted x₀ is clipped while sampling. (<c>clip_sample</c>)</summary>
    public bool ClipSample { get; init; } = true;

    /// <summary>Where it is clipped to, on both sides of 0. (<c>clip_sample_range</c>)</summary>
    public double ClipSampleRange { get; init; } = 1;

    /// <summary>What the network predicts: epsilon, sample or v_prediction. (<c>prediction_type</c>)</summary>
    public string PredictionType { get; init; } = "epsilon";

    /// <summary>Whether the predicted x₀ is thresholded dynamically. (<c>thresholding</c>)</summary>
    public bool Thresholding { get; init; }

    /// <summary>The quantile of |x₀| that dynamic thresholding scales to. (<c>dynamic_thresholding_ratio</c>)</summary>
    public double DynamicThresholdingRatio { get; init; } = 0.995;

    /// <summary>The largest dynamic threshold. (<c>sample_max_value</c>)</summary>
    public double SampleMaxValue { get; init; } = 1;

    /// <summary>How fewer sampling steps are spread: leading, trailing or linspace. (<c>timestep_spacing</c>)</summary>
    public string TimestepSpacing { get; init; } = "leading";

    /// <summary>What is added to every leading timestep. (<c>steps_offset</c>)</summary>
    public int StepsOffset { get; init; }

    /// <summary>Whether the βs are rescaled so that the last level is pure noise. (<c>rescale_betas_zero_snr</c>)</summary>
    public bool RescaleBetasZeroSnr { get; init; }

    /// <summary>Reads a <c>scheduler_config.json</c>.</summary>
    /// <param name="json">Its contents.</param>
    /// <param name="file">Its path, for messages.</param>
    /// <exception cref="ConfigurationException">Something in it is not supported; the message lists all that is not.</exception>
    public static SchedulerConfig FromJson(JsonObject json, string file)
    {
        var problems = new List<string>();
        var config = Read(json, file, problems);
        HubFolder.ThrowIfAny(problems);
        return config;
    }

    /// <summary>The contents of a <c>scheduler_config.json</c>, every key written.</summary>
    public JsonObject ToJson() => new()
    {
        ["_class_name"] = "DDPMScheduler",
        ["_diffusers_version"] = HubFolder.FormatVersion,
        ["beta_end"] = BetaEnd,
        ["beta_schedule"] = BetaSchedule,
        ["beta_start"] = BetaStart,
        ["clip_sample"] = ClipSample,
        ["clip_sample_range"] = ClipSampleRange,
        ["dynamic_thresholding_ratio"] = DynamicThresholdingRatio,
        ["num_train_timesteps"] = NumTrainTimesteps,
        ["prediction_type"] = PredictionType,
        ["rescale_betas_zero_snr"] = RescaleBetasZeroSnr,
        ["sample_max_value"] = SampleMaxValue,
        ["steps_offset"] = StepsOffset,
        ["thresholding"] = Thresholding,
        ["timestep_spacing"] = TimestepSpacing,
        ["trained_betas"] = TrainedBetas is null ? null : HubFolder.Array(TrainedBetas),
        ["variance_type"] = VarianceType,
    };

    /// <remarks>
    /// Keys of other schedulers are passed over: the noise levels and the prediction belong to the model, the sampler is the user's choice.
    /// </remarks>
    internal static SchedulerConfig Read(JsonObject json, string file, List<string> problems)
    {
        var fields = new ConfigFields(json, file, problems);
        var defaults = new SchedulerConfig();
        var config = new SchedulerConfig
        {
            NumTrainTimesteps = fields.Int("num_train_timesteps", defaults.NumTrainTimesteps),
            BetaStart = fields.Number("beta_start", defaults.BetaStart, 0, 1),
            BetaEnd = fields.Number("beta_end", defaults.BetaEnd, 0, 1),
            BetaSchedule = fields.Choice("beta_schedule", "linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"),
            TrainedBetas = fields.OptionalNumbers("trained_betas", 0, 1),
            VarianceType = fields.Choice("variance_type", "fixed_small", "fixed_large", "learned_range"),
            ClipSample = fields.Flag("clip_sample", defaults.ClipSample),
            ClipSampleRange = fields.Number("clip_sample_range", defaults.ClipSampleRange, 0, 1e6),
            PredictionType = fields.Choice("prediction_type", OldPrediction(json), "epsilon", "sample", "v_prediction"),
            Thresholding = fields.Flag("thresholding", defaults.Thresholding),
            DynamicThresholdingRatio = fields.Number("dynamic_thresholding_ratio", defaults.DynamicThresholdingRatio, 0, 1),
            SampleMaxValue = fields.Number("sample_max_value", defaults.SampleMaxValue, 0, 1e6),
            TimestepSpacing = fields.Choice("timestep_spacing", "leading", "trailing", "linspace"),
            StepsOffset = fields.Int("steps_offset", defaults.StepsOffset, least: 0),
            RescaleBetasZeroSnr = fields.Flag("rescale_betas_zero_snr", defaults.RescaleBetasZeroSnr),
        };
        if (config.TrainedBetas is { } betas && betas.Count != config.NumTrainTimesteps)
            fields.Problem($"trained_betas has {betas.Count} values, num_train_timesteps is {config.NumTrainTimesteps}");
        return config;
    }

    /// <summary>The first versions of the format said <c>predict_epsilon: false</c> for a prediction of x₀.</summary>
    private static string OldPrediction(JsonObject json) =>
        JsonNode.DeepEquals(json["predict_epsilon"], false) ? "sample" : "epsilon";
}
