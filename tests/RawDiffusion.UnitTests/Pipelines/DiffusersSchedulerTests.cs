using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Pipelines;

namespace RawDiffusion.UnitTests.Pipelines;

public sealed class DiffusersSchedulerTests
{
    private static DiffusersScheduler Read(string json) => DiffusersScheduler.FromJson((JsonObject)JsonNode.Parse(json)!, "scheduler_config.json");

    private static string Error(string json) => Assert.Throws<ConfigurationException>(() => Read(json)).Message;

    [Theory]
    [InlineData(SamplerName.Ddpm)]
    [InlineData(SamplerName.Ddim)]
    [InlineData(SamplerName.DpmSolver2M)]
    public void WhatIsWrittenIsReadBack(SamplerName sampler)
    {
        var scheduler = new DiffusersScheduler(
            new DiffusionConfig { Timesteps = 3, BetaSchedule = BetaSchedule.ScaledLinear, BetaStart = 0.01, BetaEnd = 0.2, TrainedBetas = [0.1, 0.2, 0.3], RescaleZeroSnr = true, Prediction = Prediction.V },
            new SamplingConfig
            {
                Sampler = sampler,
                Spacing = TimestepSpacing.Leading,
                StepsOffset = 1,
                StopAtFirst = sampler == SamplerName.Ddim,
                Variance = sampler == SamplerName.Ddpm ? ReverseVariance.FixedSmall : ReverseVariance.FixedLarge,
                Clip = sampler == SamplerName.DpmSolver2M ? ClipRange.Off : new ClipRange(2.5),
            });
        Assert.Equivalent(scheduler, DiffusersScheduler.FromJson(scheduler.ToJson(), ""), strict: true);
        Assert.Equivalent(scheduler.Sampling with { Clip = ClipRange.On }, DiffusersScheduler.FromJson((scheduler with { Sampling = scheduler.Sampling with { Clip = ClipRange.On } }).ToJson(), "").Sampling);
    }

    [Fact]
    public void MissingKeysTakeTheReadersDefaults()
    {
        var plain = new SamplingConfig { Sampler = SamplerName.Ddpm, Spacing = TimestepSpacing.Leading, Variance = ReverseVariance.FixedSmall };
        Assert.Equal(plain, Read("{}").Sampling);
        Assert.Equal(plain, DiffusersScheduler.Default.Sampling);
        Assert.Equal(plain with { Sampler = SamplerName.Ddim, Variance = ReverseVariance.FixedLarge }, Read("""{"_class_name":"DDIMScheduler"}""").Sampling);
        Assert.Equal(
            plain with { Sampler = SamplerName.DpmSolver2M, Variance = ReverseVariance.FixedLarge, Spacing = TimestepSpacing.Linspace, Clip = ClipRange.Off },
            Read("""{"_class_name":"DPMSolverMultistepScheduler","lambda_min_clipped":"-Infinity"}""").Sampling);
        Assert.Equal(Prediction.X0, Read("""{"predict_epsilon":false}""").Diffusion.Prediction);
        Assert.Equal(Prediction.V, Read("""{"predict_epsilon":true,"prediction_type":"v_prediction"}""").Diffusion.Prediction);
        Assert.True(Read("""{"variance_type":"learned_range"}""").LearnedVariance);
    }

    [Fact]
    public void KeysOfOtherSchedulersMeanNothing() =>
        Assert.Equal(Read("{}"), Read("""{"skip_prk_steps":true,"set_alpha_to_one":false,"solver_order":3,"tensor_format":"pt"}"""));

    [Fact]
    public void AThresholdOfOneIsClipping()
    {
        Assert.Equal(ClipRange.On, Read("""{"thresholding":true,"clip_sample":false}""").Sampling.Clip);
        Assert.Equal(ClipRange.On, Read("""{"_class_name":"DPMSolverMultistepScheduler","thresholding":true,"sample_max_value":1.0}""").Sampling.Clip);
        Assert.Contains("sample_max_value 2", Error("""{"thresholding":true,"sample_max_value":2}"""));
        Assert.Contains("±2", Assert.Throws<ConfigurationException>(() =>
            new DiffusersScheduler(new(), new() { Sampler = SamplerName.DpmSolver2M, Clip = new ClipRange(2) }).ToJson()).Message);
    }

    [Fact]
    public void ASigmoidScheduleGoesAsItsNumbersWhereItHasNoName()
    {
        var diffusion = new DiffusionConfig { Timesteps = 7, BetaSchedule = BetaSchedule.Sigmoid };
        var ddim = new DiffusersScheduler(diffusion, new() { Sampler = SamplerName.Ddim });
        Assert.Equal(diffusion.Process().Schedule.Betas, DiffusersScheduler.FromJson(ddim.ToJson(), "").Diffusion.Process().Schedule.Betas);
        Assert.Equal("sigmoid", new DiffusersScheduler(diffusion, new() { Sampler = SamplerName.Ddpm }).ToJson()["beta_schedule"]!.GetValue<string>());
    }

    [Fact]
    public void WhatTheFormatHasNoWordForIsNotWritten() =>
        Assert.Contains("posterior", Assert.Throws<ConfigurationException>(() => new DiffusersScheduler(new() { Prediction = Prediction.PosteriorMean }, new()).ToJson()).Message);

    [Theory]
    [InlineData("""{"_class_name":"FlowMatchEulerDiscreteScheduler","shift":1.0}""", "_class_name is \"FlowMatchEulerDiscreteScheduler\"")]
    [InlineData("""{"_class_name":"EulerDiscreteScheduler"}""", "DDPMScheduler")]
    [InlineData("""{"_class_name":5}""", "_class_name is 5")]
    [InlineData("""{"beta_schedule":"exp"}""", "beta_schedule is \"exp\"")]
    [InlineData("""{"prediction_type":"flow_prediction"}""", "prediction_type is \"flow_prediction\"")]
    [InlineData("""{"trained_betas":[0.1]}""", "trained_betas has 1 values, num_train_timesteps is 1000")]
    [InlineData("""{"variance_type":"fixed_large_log"}""", "variance_type is \"fixed_large_log\"")]
    [InlineData("""{"variance_type":"learned"}""", "variance_type is \"learned\"")]
    [InlineData("""{"timestep_spacing":"karras"}""", "timestep_spacing is \"karras\"")]
    [InlineData("""{"steps_offset":-1}""", "steps_offset is -1")]
    [InlineData("""{"clip_sample_range":0}""", "clip_sample_range is 0")]
    [InlineData("""{"set_alpha_to_one":1,"_class_name":"DDIMScheduler"}""", "set_alpha_to_one is 1")]
    [InlineData("""{"something_new":1}""", "something_new (1) of DDPMScheduler")]
    [InlineData("""{"_class_name":"DPMSolverMultistepScheduler","solver_order":3}""", "solver_order is 3")]
    [InlineData("""{"_class_name":"DPMSolverMultistepScheduler","algorithm_type":"sde-dpmsolver++"}""", "algorithm_type is \"sde-dpmsolver++\"")]
    [InlineData("""{"_class_name":"DPMSolverMultistepScheduler","use_karras_sigmas":true}""", "use_karras_sigmas is true")]
    [InlineData("""{"_class_name":"DPMSolverMultistepScheduler","final_sigmas_type":"sigma_min"}""", "final_sigmas_type is \"sigma_min\"")]
    [InlineData("""{"_class_name":"DPMSolverMultistepScheduler","lambda_min_clipped":-5.1}""", "lambda_min_clipped is -5.1")]
    public void WhatIsNotFollowedIsRefusedByName(string json, string named) => Assert.Contains(named, Error(json));
}
