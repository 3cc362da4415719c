using RawDiffusion.Training.Configuration;

namespace RawDiffusion.UnitTests.Configuration;

public class RunConfigValidationTests
{
    [Fact]
    public void PresetsAndDefaultsAreValid()
    {
        Assert.Empty(RunConfigValidation.Problems(new RunConfig()));
        Assert.All(Presets.All.Values, preset => Assert.Empty(RunConfigValidation.Problems(preset)));
    }

    [Theory]
    [InlineData("steps=0", "steps is 0; it must be at least 1")]
    [InlineData("batch=0", "batch is 0")]
    [InlineData("batch=-3", "batch is -3")]
    [InlineData("save_every=0", "save_every")]
    [InlineData("sample_every=-1", "sample_every")]
    [InlineData("log_every=0", "log_every")]
    [InlineData("keep_checkpoints=0", "keep_checkpoints")]
    [InlineData("data.path=", "data.path")]
    [InlineData("data.resize=0", "data.resize is 0; it must be 1 to")]
    [InlineData("data.resize=[24,0]", "data.resize is [24, 0]; it must be 1 to")]
    [InlineData("data.resize=99999", "data.resize is 99999")]
    [InlineData("data.channels=2", "1 (grey), 3 (RGB) or null")]
    [InlineData("network.channels=[]", "a list of 1 to 8 levels")]
    [InlineData("network.channels=[32,64,0]", "network.channels' entry is 0")]
    [InlineData("network.attention_levels=[0,3]", "network.attention_levels' entry is 3; it must be a level from 0 to 2")]
    [InlineData("network.attention_levels=[-1]", "network.attention_levels")]
    [InlineData("diffusion.timesteps=0", "diffusion.timesteps")]
    [InlineData("diffusion.beta_schedule=liner", "did you mean linear?")]
    [InlineData("diffusion.beta_schedule=cosine", "did you mean squaredcos_cap_v2?")]
    [InlineData("diffusion.prediction=v", "did you mean v_prediction?")]
    [InlineData("diffusion.prediction=cosine", "one of epsilon, sample, v_prediction, mu")]
    [InlineData("diffusion.loss_weighting=min_snr_gamma", "diffusion.loss_weighting")]
    [InlineData("diffusion.timestep_sampling=random", "diffusion.timestep_sampling")]
    [InlineData("diffusion.beta_start=0", "diffusion.beta_start")]
    [InlineData("diffusion.beta_start=0.03", "at most diffusion.beta_end, which is 0.02")]
    [InlineData("diffusion.beta_end=1.5", "diffusion.beta_end")]
    [InlineData("diffusion.min_snr_gamma=0", "diffusion.min_snr_gamma")]
    [InlineData("diffusion.label_dropout=1.1", "diffusion.label_dropout")]
    [InlineData("diffusion.trained_betas=[0.1]", "a list of 1; it must be a list of as many as diffusion.timesteps, which is 1000")]
    [InlineData("diffusion.rescale_zero_snr=true;diffusion.prediction=epsilon", "diffusion.rescale_zero_snr")]
    [InlineData("optimizer.learning_rate=0", "optimizer.learning_rate")]
    [InlineData("optimizer.learning_rate=1e999", "optimizer.learning_rate")]
    [InlineData("optimizer.warm_up=-1", "optimizer.warm_up")]
    [InlineData("optimizer.beta1=1", "optimizer.beta1")]
    [InlineData("optimizer.beta2=-0.1", "optimizer.beta2")]
    [InlineData("optimizer.epsilon=0", "optimizer.epsilon")]
    [InlineData("optimizer.max_norm=0", "optimizer.max_norm")]
    [InlineData("optimizer.ema_decay=1", "optimizer.ema_decay")]
    [InlineData("optimizer.max_bad_steps=0", "optimizer.max_bad_steps")]
    [InlineData("sampling.sampler=dim", "did you mean ddim?")]
    [InlineData("sampling.steps=0", "sampling.steps")]
    [InlineData("sampling.steps=1001", "from 1 to diffusion.timesteps, which is 1000")]
    [InlineData("sampling.eta=2", "sampling.eta")]
    [InlineData("sampling.variance=fixed", "sampling.variance")]
    [InlineData("sampling.guidance=-1", "sampling.guidance")]
    [InlineData("sampling.count=0", "sampling.count")]
    [InlineData("device.name=cuda:x", "device.name")]
    [InlineData("device.name=gpu", "did you mean cuda?")]
    [InlineData("device.precision=fp16", "device.precision")]
    [InlineData("device.threads=-1", "device.threads")]
    public void EachRuleIsReported(string setting, string expected)
    {
        // A name that there is not is found when it is laid over the rest, a number out of range afterwards.
        var built = new ConfigurationSources { Settings = setting.Split(';') }.Build("shapes");
        Assert.Contains(expected, Assert.Single(built.Problems.Concat(RunConfigValidation.Problems(built.Config))).ToString());
    }

    [Fact]
    public void RatesThatAreNotNumbersAreFoundEverywhere()
    {
        double nan = double.NaN;
        var config = new RunConfig
        {
            Network = new() { FreqShift = nan },
            Diffusion = new() { BetaStart = nan, BetaEnd = nan, MinSnrGamma = nan, LabelDropout = nan },
            Optimizer = new() { LearningRate = nan, Beta1 = nan, Beta2 = nan, Epsilon = nan, MaxNorm = nan, EmaDecay = nan },
            Sampling = new() { Eta = nan, Guidance = nan },
        };
        Assert.Equal(13, RunConfigValidation.Problems(config).Count);
    }

    [Fact]
    public void AllProblemsAreReportedTogether()
    {
        var config = new RunConfig { Batch = 0, Steps = 0, Sampling = new() { Count = 0 }, Device = new() { Name = "tpu", Threads = -1 } };
        Assert.Equal(5, RunConfigValidation.Problems(config).Count);
    }
}
