using RawDiffusion.Core;

namespace RawDiffusion.Training.Configuration;

/// <summary>What can be said about a configuration without its data and its device.</summary>
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
        // Otherwise the model that training starts from brings its own.
        if (config.StartFrom is null)
        {
            config.Network.Check(rules);
        }
        config.Diffusion.Check(rules);
        config.Optimizer.Check(rules);
        config.Sampling.Check(rules, config.Diffusion.Timesteps);
        rules.Require(
            !config.Conditional || config.Sampling.Guidance == 1 || config.Diffusion.LabelDropout > 0, "sampling.guidance",
            $"{ConfigurationRules.Show(config.Sampling.Guidance)} with diffusion.label_dropout 0", "1: without dropped labels the network does not learn what " +
                "no class looks like, which guidance needs");
        config.Device.Check(rules);
        return rules.Problems;
    }
}
