using System.Globalization;

namespace RawDiffusion.Training.Configuration;

/// <summary>
/// What can be said about a configuration without its data and its device. What the network needs besides is in
/// <see cref="RawDiffusion.Models.UNetConfig.Problems"/>.
/// </summary>
public static class RunConfigValidation
{
    /// <summary>Everything that is wrong with a configuration, each as one sentence without its full stop; empty if nothing is.</summary>
    public static IReadOnlyList<string> Problems(RunConfig config)
    {
        var rules = new Rules();
        CheckRun(config, rules);
        CheckData(config.Data, rules);
        CheckNetwork(config.Network, rules);
        CheckDiffusion(config.Diffusion, rules);
        CheckOptimizer(config.Optimizer, rules);
        CheckSampling(config.Sampling, config.Diffusion, rules);
        CheckDevice(config.Device, rules);
        return rules.Problems;
    }

    private static void CheckRun(RunConfig run, Rules rules)
    {
        rules.Require(run.Format == RunConfig.CurrentFormat, "format", run.Format, $"{RunConfig.CurrentFormat}");
        rules.AtLeast("steps", run.Steps, 1);
        rules.AtLeast("batch", run.Batch, 1);
        rules.AtLeast("save_every", run.SaveEvery, 1);
        rules.AtLeast("sample_every", run.SampleEvery, 0);
        rules.AtLeast("log_every", run.LogEvery, 1);
        rules.AtLeast("keep_checkpoints", run.KeepCheckpoints, 1);
    }

    private static void CheckData(DataConfig data, Rules rules)
    {
        rules.Require(data.Path is null || data.Path.Trim().Length > 0, "data.path", "empty", "a file or folder, or null for the built-in shapes");
        rules.Require(data.Resize is null or >= 1, "data.resize", data.Resize, "at least 1, or null");
        rules.Require(data.Channels is null or 1 or 3, "data.channels", data.Channels, "1 (grey), 3 (RGB) or null");
    }

    private static void CheckNetwork(NetworkConfig network, Rules rules)
    {
        rules.Require(network.Channels.Count is >= 1 and <= 8, "network.channels", $"a list of {network.Channels.Count}", "a list of 1 to 8 levels");
        foreach (int channels in network.Channels.Where(channels => channels < 1).Distinct())
        {
            rules.AtLeast("network.channels' entry", channels, 1);
        }
        foreach (int level in network.AttentionLevels.Distinct())
        {
            rules.Require(network.Channels.Count == 0 || (level >= 0 && level < network.Channels.Count), "network.attention_levels' entry", level, $"a level from 0 to {network.Channels.Count - 1}");
        }
        rules.Require(double.IsFinite(network.FreqShift), "network.freq_shift", network.FreqShift, "a finite number");
    }

    private static void CheckDiffusion(DiffusionConfig diffusion, Rules rules)
    {
        rules.AtLeast("diffusion.timesteps", diffusion.Timesteps, 1);
        rules.OneOf("diffusion.beta_schedule", diffusion.BetaSchedule, KnownNames.BetaSchedules);
        rules.OneOf("diffusion.prediction", diffusion.Prediction, KnownNames.Predictions);
        rules.OneOf("diffusion.loss_weighting", diffusion.LossWeighting, KnownNames.LossWeightings);
        rules.OneOf("diffusion.timestep_sampling", diffusion.TimestepSampling, KnownNames.TimestepSamplings);
        rules.Require(diffusion.BetaStart is > 0 and < 1, "diffusion.beta_start", diffusion.BetaStart, "between 0 and 1");
        rules.Require(diffusion.BetaEnd is > 0 and < 1, "diffusion.beta_end", diffusion.BetaEnd, "between 0 and 1");
        rules.Require(!(diffusion.BetaStart > diffusion.BetaEnd), "diffusion.beta_start", diffusion.BetaStart, $"at most diffusion.beta_end, which is {Rules.Show(diffusion.BetaEnd)}");
        rules.Require(diffusion.MinSnrGamma > 0 && double.IsFinite(diffusion.MinSnrGamma), "diffusion.min_snr_gamma", diffusion.MinSnrGamma, "above 0");
        rules.Require(diffusion.LabelDropout is >= 0 and <= 1, "diffusion.label_dropout", diffusion.LabelDropout, "from 0 to 1");
        if (diffusion.TrainedBetas is { } betas)
        {
            rules.Require(betas.Count == diffusion.Timesteps, "diffusion.trained_betas", $"a list of {betas.Count}", $"a list of as many as diffusion.timesteps, which is {diffusion.Timesteps}");
            rules.Require(betas.All(beta => beta is > 0 and <= 1), "diffusion.trained_betas", "not all", "above 0 and at most 1 throughout");
        }
        rules.Require(
            !diffusion.RescaleZeroSnr || diffusion.Prediction != "epsilon", "diffusion.rescale_zero_snr", "true with diffusion.prediction epsilon",
            "used with v_prediction or sample: at the last timestep there is no signal, so its noise says nothing about the image");
    }

    private static void CheckOptimizer(OptimizerConfig optimizer, Rules rules)
    {
        rules.Require(optimizer.LearningRate > 0 && double.IsFinite(optimizer.LearningRate), "optimizer.learning_rate", optimizer.LearningRate, "a finite number above 0");
        rules.AtLeast("optimizer.warm_up", optimizer.WarmUp, 0);
        rules.Require(optimizer.Beta1 is >= 0 and < 1, "optimizer.beta1", optimizer.Beta1, "at least 0 and below 1");
        rules.Require(optimizer.Beta2 is >= 0 and < 1, "optimizer.beta2", optimizer.Beta2, "at least 0 and below 1");
        rules.Require(optimizer.Epsilon > 0 && double.IsFinite(optimizer.Epsilon), "optimizer.epsilon", optimizer.Epsilon, "a finite number above 0");
        rules.Require(optimizer.MaxNorm is null || (optimizer.MaxNorm > 0 && double.IsFinite(optimizer.MaxNorm.Value)), "optimizer.max_norm", optimizer.MaxNorm, "a finite number above 0, or null for no clipping");
        rules.Require(optimizer.EmaDecay is >= 0 and < 1, "optimizer.ema_decay", optimizer.EmaDecay, "at least 0 and below 1");
        rules.AtLeast("optimizer.max_bad_steps", optimizer.MaxBadSteps, 1);
    }

    private static void CheckSampling(SamplingConfig sampling, DiffusionConfig diffusion, Rules rules)
    {
        rules.OneOf("sampling.sampler", sampling.Sampler, KnownNames.Samplers);
        rules.OneOf("sampling.variance", sampling.Variance, KnownNames.Variances);
        rules.Require(
            sampling.Steps >= 1 && (diffusion.Timesteps < 1 || sampling.Steps <= diffusion.Timesteps), "sampling.steps", sampling.Steps,
            $"from 1 to diffusion.timesteps, which is {diffusion.Timesteps}");
        rules.Require(sampling.Eta is >= 0 and <= 1, "sampling.eta", sampling.Eta, "from 0 to 1");
        rules.Require(double.IsFinite(sampling.Guidance) && sampling.Guidance >= 0, "sampling.guidance", sampling.Guidance, "a finite number of at least 0");
        rules.AtLeast("sampling.count", sampling.Count, 1);
    }

    private static void CheckDevice(DeviceConfig device, Rules rules)
    {
        bool numbered = device.Name.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(device.Name.AsSpan("cuda:".Length), NumberStyles.None, CultureInfo.InvariantCulture, out _);
        if (!numbered)
        {
            rules.OneOf("device.name", device.Name, KnownNames.Devices);
        }
        rules.OneOf("device.precision", device.Precision, KnownNames.Precisions);
        rules.Require(device.Threads is >= 0 and <= 1024, "device.threads", device.Threads, "from 0 (all) to 1024");
    }

    /// <summary>Collects what is violated, all in the same words: the key, what it is, what it must be.</summary>
    private sealed class Rules
    {
        private readonly List<string> _problems = [];

        public IReadOnlyList<string> Problems => _problems;

        public static string Show(object? value) => value switch
        {
            null => "null",
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString()!,
        };

        public void Require(bool condition, string key, object? value, string expected)
        {
            if (!condition)
            {
                _problems.Add($"{key} is {Show(value)}; it must be {expected}");
            }
        }

        public void AtLeast(string key, long value, long least) => Require(value >= least, key, value, $"at least {least}");

        public void OneOf(string key, string value, IReadOnlyList<string> known)
        {
            if (!known.Contains(value))
            {
                string meant = KnownNames.OtherNames.TryGetValue(value, out string? usual) && known.Contains(usual)
                    ? $" (did you mean {usual}?)"
                    : NearestName.Suggestion(value, known);
                _problems.Add($"{key} is '{value}'; it must be one of {string.Join(", ", known)}{meant}");
            }
        }
    }
}
