using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using Key = RawDiffusion.Pipelines.ConfigKey<RawDiffusion.Pipelines.DiffusersScheduler>;

namespace RawDiffusion.Pipelines;

/// <summary>The keys of the schedulers of diffusers that draw as one of the samplers here does.</summary>
internal static class SchedulerKeys
{
    private const double LargestRange = 1e6;

    public static Key[] Ddpm() => Sorted([.. Process(sigmoid: true), .. Steps(TimestepSpacing.Leading), .. Clipping(), new("variance_type", ReadVariance, WriteVariance)]);

    public static Key[] Ddim() => Sorted(
    [
        .. Process(sigmoid: false), .. Steps(TimestepSpacing.Leading), .. Clipping(),
        Key.Flag("set_alpha_to_one", s => !s.Sampling.StopAtFirst, (s, value) => s with { Sampling = s.Sampling with { StopAtFirst = !value } }, true),
    ]);

    /// <summary>DPM-Solver++(2M) and nothing else; the last step is of first order whatever is said of final steps, as it goes to no noise at all.</summary>
    public static Key[] DpmSolver() => Sorted(
    [
        .. Process(sigmoid: false), .. Steps(TimestepSpacing.Linspace), .. Thresholds(s => s.Sampling.Clip.IsOn), new("thresholding", ReadSolverClipping, WriteSolverClipping),
        Key.Fixed("algorithm_type", "dpmsolver++"), Key.Fixed("solver_order", 2), Key.Fixed("solver_type", "midpoint"), Key.Fixed("final_sigmas_type", "zero"),
        Key.Fixed("lower_order_final", true, false), Key.Fixed("euler_at_final", false, true), Key.Fixed("variance_type", null),
        Key.Fixed("use_karras_sigmas", false), Key.Fixed("use_exponential_sigmas", false), Key.Fixed("use_beta_sigmas", false),
        Key.Fixed("use_lu_lambdas", false), Key.Fixed("use_flow_sigmas", false), Key.Fixed("use_dynamic_shifting", false),
        // The default, minus infinity, for which JSON has no word.
        Key.Fixed("lambda_min_clipped", "-Infinity") with { Write = null },
    ]);

    private static Key[] Sorted(Key[] keys) => [.. keys.OrderBy(key => key.Name, StringComparer.Ordinal)];

    /// <summary>The noise levels and the prediction.</summary>
    /// <param name="sigmoid">Whether the class knows that beta schedule; the others are given its numbers.</param>
    private static Key[] Process(bool sigmoid)
    {
        bool IsListed(DiffusersScheduler s) => s.Diffusion.TrainedBetas is null && s.Diffusion.BetaSchedule == BetaSchedule.Sigmoid && !sigmoid;
        string[] schedules = [.. NamedEnum<BetaSchedule>.Names.Where(name => sigmoid || name != NamedEnum<BetaSchedule>.NameOf(BetaSchedule.Sigmoid))];
        return
        [
            Key.Int("num_train_timesteps", s => s.Diffusion.Timesteps, (s, value) => s with { Diffusion = s.Diffusion with { Timesteps = value } }, 1000),
            Key.Number("beta_start", s => s.Diffusion.BetaStart, (s, value) => s with { Diffusion = s.Diffusion with { BetaStart = value } }, 1e-4, 0, 1),
            Key.Number("beta_end", s => s.Diffusion.BetaEnd, (s, value) => s with { Diffusion = s.Diffusion with { BetaEnd = value } }, 0.02, 0, 1),
            Key.Choice(
                "beta_schedule", schedules, s => NamedEnum<BetaSchedule>.NameOf(IsListed(s) ? BetaSchedule.Linear : s.Diffusion.BetaSchedule),
                (s, value) => s with { Diffusion = s.Diffusion with { BetaSchedule = NamedEnum<BetaSchedule>.Find(value)!.Value } }, "linear"),
            new("trained_betas", ReadBetas, s => Betas(s, IsListed(s)) is { } betas ? Key.Array(betas, beta => beta) : null),
            Key.Flag("rescale_betas_zero_snr", s => s.Diffusion.RescaleZeroSnr, (s, value) => s with { Diffusion = s.Diffusion with { RescaleZeroSnr = value } }, false),
            new("prediction_type", ReadPrediction, WritePrediction),
        ];
    }

    /// <summary>Which timesteps are visited.</summary>
    private static Key[] Steps(TimestepSpacing missing) =>
    [
        Key.Choice(
            "timestep_spacing", [.. NamedEnum<TimestepSpacing>.Names], s => NamedEnum<TimestepSpacing>.NameOf(s.Sampling.UsedSpacing),
            (s, value) => s with { Sampling = s.Sampling with { Spacing = NamedEnum<TimestepSpacing>.Find(value) } }, NamedEnum<TimestepSpacing>.NameOf(missing)),
        Key.Int("steps_offset", s => s.Sampling.StepsOffset, (s, value) => s with { Sampling = s.Sampling with { StepsOffset = value } }, 0, least: 0),
    ];

    private static Key[] Clipping() =>
    [
        Key.Flag("clip_sample", s => s.Sampling.Clip.IsOn, (s, value) => s with { Sampling = s.Sampling with { Clip = value ? ClipRange.On : ClipRange.Off } }, true),
        new("clip_sample_range", ReadClipRange, s => s.Sampling.Clip.IsOn ? s.Sampling.Clip.Bound : 1),
        .. Thresholds(_ => false),
        // Read after clipping, before which it goes.
        new("thresholding", (fields, s) => ReadThresholding(fields, s) ? s with { Sampling = s.Sampling with { Clip = ClipRange.On } } : s, _ => false),
    ];

    private static Key[] Thresholds(Func<DiffusersScheduler, bool> used) =>
    [
        Key.Number("dynamic_thresholding_ratio", _ => 0.995, (s, _) => s, 0.995, 0, 1),
        Key.Number("sample_max_value", s => used(s) ? s.Sampling.Clip.Bound : 1, (s, _) => s, 1, 0, LargestRange),
    ];

    /// <summary>
    /// Whether there is a dynamic threshold. It is at least 1 and at most <c>sample_max_value</c>; where that is 1, which is its default, x̂0 is
    /// clipped to ±1 and divided by 1. Anything else is refused.
    /// </summary>
    private static bool ReadThresholding(ConfigFields fields, DiffusersScheduler s)
    {
        bool thresholding = fields.Flag("thresholding", false);
        if (thresholding && fields.Json["sample_max_value"] is { } most && !JsonNode.DeepEquals(most, 1))
        {
            fields.Problem($"thresholding is true with sample_max_value {most.ToJsonString()}; supported is false, or a sample_max_value of 1, which is plain clipping");
        }
        return thresholding;
    }

    /// <summary>Solvers have no clipping but that of the dynamic threshold.</summary>
    private static DiffusersScheduler ReadSolverClipping(ConfigFields fields, DiffusersScheduler s) =>
        s with { Sampling = s.Sampling with { Clip = ReadThresholding(fields, s) ? ClipRange.On : ClipRange.Off } };

    private static JsonNode WriteSolverClipping(DiffusersScheduler s) => !s.Sampling.Clip.IsOn || s.Sampling.Clip == ClipRange.On
        ? s.Sampling.Clip.IsOn
        : throw new ConfigurationException(
            $"The format's solver clips to ±1 or not at all, but this model clips to ±{ConfigurationRules.Show(s.Sampling.Clip.Bound)}. Choose one of these, or another sampler.");

    private static DiffusersScheduler ReadClipRange(ConfigFields fields, DiffusersScheduler s)
    {
        double range = fields.Number("clip_sample_range", 1, 1 / LargestRange, LargestRange);
        return s.Sampling.Clip.IsOn ? s with { Sampling = s.Sampling with { Clip = new ClipRange(range) } } : s;
    }

    private static DiffusersScheduler ReadBetas(ConfigFields fields, DiffusersScheduler s)
    {
        double[]? betas = fields.OptionalNumbers("trained_betas", 0, 1);
        int steps = fields.Int("num_train_timesteps", 1000);
        if (betas is not null && betas.Length != steps)
        {
            fields.Problem($"trained_betas has {betas.Length} values, num_train_timesteps is {steps}");
        }
        return s with { Diffusion = s.Diffusion with { TrainedBetas = betas } };
    }

    private static IReadOnlyList<double>? Betas(DiffusersScheduler s, bool listed) =>
        listed ? NoiseSchedule.Sigmoid(s.Diffusion.Timesteps, s.Diffusion.BetaStart, s.Diffusion.BetaEnd).Betas.ToArray() : s.Diffusion.TrainedBetas;

    private static DiffusersScheduler ReadPrediction(ConfigFields fields, DiffusersScheduler s)
    {
        // The first versions of the format said predict_epsilon: false for a prediction of x0.
        fields.Ignore("predict_epsilon");
        string missing = JsonNode.DeepEquals(fields.Json["predict_epsilon"], false) ? "sample" : "epsilon";
        string name = fields.Choice("prediction_type", missing, "epsilon", "sample", "v_prediction");
        return s with { Diffusion = s.Diffusion with { Prediction = NamedEnum<Prediction>.Find(name)!.Value } };
    }

    private static JsonNode WritePrediction(DiffusersScheduler s) => s.Diffusion.Prediction != Prediction.PosteriorMean
        ? NamedEnum<Prediction>.NameOf(s.Diffusion.Prediction)
        : throw new ConfigurationException("The format has no name for networks that predict the posterior's mean; it knows epsilon, sample (x0) and " +
            "v_prediction. Such a model cannot be exported.");

    private static DiffusersScheduler ReadVariance(ConfigFields fields, DiffusersScheduler s) =>
        fields.Choice("variance_type", "fixed_small", "fixed_small", "fixed_small_log", "fixed_large", "learned_range") switch
        {
            "learned_range" => s with { LearnedVariance = true },
            "fixed_large" => s with { Sampling = s.Sampling with { Variance = ReverseVariance.FixedLarge } },
            _ => s with { Sampling = s.Sampling with { Variance = ReverseVariance.FixedSmall } },
        };

    private static JsonNode WriteVariance(DiffusersScheduler s) => s.LearnedVariance ? "learned_range" : NamedEnum<ReverseVariance>.NameOf(s.Sampling.Variance);
}
