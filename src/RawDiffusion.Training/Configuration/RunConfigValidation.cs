using RawDiffusion.Core;

namespace RawDiffusion.Training.Configuration;

/// <summary>
/// What can be said about a configuration without its data and its device. What the network needs besides is in
/// <see cref="RawDiffusion.Models.UNetConfig.Problems"/>.
/// </summary>
public static class RunConfigValidation
{
    /// <summary>Everything that is wrong with a configuration; empty if nothing is.</summary>
    public static IReadOnlyList<ConfigurationProblem> Problems(RunConfig config)
    {
        var rules = new ConfigurationRules();
        rules.Require(config.Format == RunConfig.CurrentFormat, "format", config.Format, $"{RunConfig.CurrentFormat}");
        rules.AtLeast("steps", config.Steps, 1);
        rules.AtLeast("batch", config.Batch, 1);
        rules.AtLeast("save_every", config.SaveEvery, 1);
        rules.AtLeast("sample_every", config.SampleEvery, 0);
        rules.AtLeast("log_every", config.LogEvery, 1);
        rules.AtLeast("keep_checkpoints", config.KeepCheckpoints, 1);
        config.Data.Check(rules);
        config.Network.Check(rules);
        config.Diffusion.Check(rules);
        config.Optimizer.Check(rules);
        config.Sampling.Check(rules, config.Diffusion.Timesteps);
        config.Device.Check(rules);
        return rules.Problems;
    }
}
