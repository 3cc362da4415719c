using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Diffusion;
using RawDiffusion.Training.Configuration;
using Precision = RawDiffusion.Training.Configuration.Precision;

namespace RawDiffusion.UnitTests.Configuration;

public class RunConfigJsonTests
{
    /// <summary>A configuration that differs from the defaults in every key.</summary>
    private static RunConfig Unusual => new()
    {
        Preset = "mnist",
        Steps = 7,
        Batch = 3,
        Seed = ulong.MaxValue,
        SaveEvery = 2,
        SampleEvery = 4,
        LogEvery = 5,
        KeepCheckpoints = 9,
        Data = new() { Path = "/data/ü \"x\"", Flip = true, Lenient = true, Resize = new ImageSize(24, 32), Channels = 1 },
        Network = new()
        {
            BlockChannels = [64, 96],
            AttentionLevels = [],
            LayersPerBlock = 3,
            MiddleAttention = false,
            AttentionHeadDim = 8,
            NormGroups = 16,
            NormEps = 1e-5,
            TimeScaleShift = true,
            DownsamplePadding = 1,
            FlipSinToCos = true,
            FreqShift = 0,
            Dropout = 0.1,
        },
        Conditional = true,
        StartFrom = "a model",
        Diffusion = new()
        {
            Timesteps = 3,
            BetaSchedule = BetaSchedule.Sigmoid,
            BetaStart = 0.1,
            BetaEnd = 0.30000000000000004,
            TrainedBetas = [0.1, 0.2, 0.3],
            RescaleZeroSnr = true,
            Prediction = Prediction.X0,
            LossWeighting = LossWeighting.MinSnr,
            MinSnrGamma = 4,
            TimestepSampling = TimestepSampling.Stratified,
            LabelDropout = 0.2,
        },
        Optimizer = new()
        {
            LearningRate = 1.2345678901234567e-5,
            WarmUp = 0,
            Beta1 = 0.8,
            Beta2 = 0.99,
            Epsilon = 1e-9,
            MaxNorm = null,
            EmaDecay = 0.5,
            EmaWarmUp = false,
            MaxBadSteps = 2,
        },
        Sampling = new() { Sampler = SamplerName.Ddpm, Steps = 3, Eta = 1, Variance = ReverseVariance.FixedSmall, Clip = new ClipRange(2.5), Spacing = TimestepSpacing.Leading, StepsOffset = 1, StopAtFirst = true, Guidance = 3, Count = 4 },
        Device = new() { Name = "cuda:1", Precision = Precision.Bf16, Threads = 2, Graphs = false },
        Dataset = new() { Height = 28, Width = 20, Channels = 1, Count = 5, ClassNames = ["a", "b"], ChannelMeans = [-0.5], ChannelDeviations = [0.25], Fingerprint = "abc" },
    };

    [Fact]
    public void ReadsBackEveryKeyThatItWrites()
    {
        string text = RunConfigJson.ToText(Unusual);
        Assert.Equal(text, RunConfigJson.ToText(RunConfigJson.Parse(text, "config.json")));

        var keys = ConfigurationDifference.Between(new RunConfig(), Unusual).Select(difference => difference.Key);
        var all = new[] { new RunConfig(), Unusual }.SelectMany(config => ConfigurationDifference.Flatten(RunConfigJson.ToJson(config))).Select(leaf => leaf.Key).Distinct();
        Assert.Equal(all.Where(key => key != "format"), keys);
    }

    [Fact]
    public void WritesSnakeCaseKeys()
    {
        var json = RunConfigJson.ToJson(Unusual);
        Assert.Equal(2, json["save_every"]!.GetValue<long>());
        Assert.Equal(0.8, json["optimizer"]!["beta1"]!.GetValue<double>());
        Assert.Equal("[64,96]", json["network"]!["channels"]!.ToJsonString());
        Assert.True(json["diffusion"]!["rescale_zero_snr"]!.GetValue<bool>());
    }

    /// <summary>true and false are what files had before there were ranges.</summary>
    [Theory]
    [InlineData("true", 1)]
    [InlineData("false", double.PositiveInfinity)]
    [InlineData("2.5", 2.5)]
    [InlineData("1", 1, "true")]
    public void ClippingIsOnOrOffOrARange(string json, double bound, string? written = null)
    {
        var config = RunConfigJson.Parse($$"""{ "sampling": { "clip": {{json}} } }""", "file");
        Assert.Equal(bound, config.Sampling.Clip.Bound);
        Assert.Equal(written ?? json, RunConfigJson.ToJson(config)["sampling"]!["clip"]!.ToJsonString());
    }

    [Theory]
    [InlineData("\"clip\": \"off\"", "sampling.clip is \"off\"; expected true, false or a number above 0")]
    [InlineData("\"clip\": null", "sampling.clip is null; expected true, false or a number above 0")]
    [InlineData("\"spacing\": \"leading-edge\"", "one of leading, linspace, trailing")]
    public void WhatIsNoRangeOrSpacingIsRefused(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<ConfigurationException>(() => RunConfigJson.Parse($$"""{ "sampling": { {{json}} } }""", "file")).Message);

    [Fact]
    public void MissingKeysTakeTheirDefaults()
    {
        var config = RunConfigJson.Parse("""{ "optimizer": { "beta1": 0.5 } }""", "file");
        Assert.Equal(ConfigurationDifference.Between(new RunConfig(), config).Select(difference => difference.ToString()), ["optimizer.beta1: 0.9 → 0.5"]);
    }

    [Theory]
    [InlineData("24", 24, 24, "24")]
    [InlineData("[24, 32]", 24, 32, "[24,32]")]
    [InlineData("[32,32]", 32, 32, "32")]
    public void ASizeIsANumberOrAHeightAndAWidth(string json, int height, int width, string written)
    {
        var config = RunConfigJson.Parse($$"""{ "data": { "resize": {{json}} } }""", "file");
        Assert.Equal(new ImageSize(height, width), config.Data.Resize);
        Assert.Equal(written, RunConfigJson.ToJson(config)["data"]!["resize"]!.ToJsonString());
    }

    [Theory]
    [InlineData("1.5")]
    [InlineData("\"32\"")]
    [InlineData("[32]")]
    [InlineData("[32, 32, 3]")]
    [InlineData("[32, null]")]
    [InlineData("true")]
    [InlineData("{ \"height\": 3 }")]
    public void WhatIsNoSizeIsRefused(string json) => Assert.Contains(
        "expected a whole number, or a height and a width such as [24, 32], or null",
        Assert.Throws<ConfigurationException>(() => RunConfigJson.Parse($$"""{ "data": { "resize": {{json}} } }""", "file")).Message);

    [Fact]
    public void CommentsAndTrailingCommasAreAllowed() =>
        Assert.Equal(5, RunConfigJson.Parse("{ // few\n \"steps\": 5, /* no more */ }", "file").Steps);

    [Fact]
    public void EveryProblemIsReportedAtOnceWithItsKey()
    {
        var failure = Assert.Throws<ConfigurationException>(() => RunConfigJson.Parse(
            """
            {
              "stepz": 5,
              "batch": "many",
              "seed": -1,
              "network": { "channels": [32, "x"], "dropout": null, "drpout": 0.5 },
              "optimizer": 3,
              "data": { "path": 5, "flip": 1, "resize": null },
              "device": { "name": null }
            }
            """, "my.json"));
        string[] expected =
        [
            "for 9 reasons",
            "my.json: there is no key stepz (did you mean steps?)",
            "batch is \"many\"; expected a whole number",
            "seed is -1; expected a whole number of at least 0",
            "network.channels is [32,\"x\"]; expected a list of whole numbers, such as [32, 64]",
            "network.dropout is null; expected a number",
            "there is no key network.drpout (did you mean network.dropout?)",
            "optimizer is 3, but it is a section; its keys are optimizer.learning_rate, ",
            "data.path is 5; expected text, or null",
            "data.flip is 1; expected true or false",
        ];
        Assert.All(expected.Where(text => !text.StartsWith("for", StringComparison.Ordinal)), text => Assert.Contains(text, failure.Message));
        Assert.Contains("device.name is null; expected text", failure.Message);
        Assert.DoesNotContain("data.resize", failure.Message);
    }

    [Theory]
    [InlineData("{ \"steps\": 1, \"steps\": 2 }")]
    [InlineData("{ \"optimizer\": { \"learning_rate\": NaN } }")]
    [InlineData("{ \"steps\": 1")]
    [InlineData("")]
    [InlineData("[1]")]
    [InlineData("null")]
    public void WhatIsNoJsonObjectIsRefusedByName(string text) =>
        Assert.Contains("my.json", Assert.Throws<ConfigurationException>(() => RunConfigJson.Parse(text, "my.json")).Message);

    [Fact]
    public void ANewerFormatIsRefusedWithoutComplainingAboutItsKeys()
    {
        var failure = Assert.Throws<ConfigurationException>(() => RunConfigJson.Parse("""{ "format": 2, "unheard_of": 1 }""", "my.json"));
        Assert.Contains("newer version", failure.Message);
        Assert.DoesNotContain("unheard_of", failure.Message);
    }

    [Fact]
    public void DifferencesAreNamedFieldByField()
    {
        var a = new RunConfig();
        var b = a with { Network = a.Network with { BlockChannels = [32, 64] }, Data = a.Data with { Path = "x" } };
        Assert.Empty(ConfigurationDifference.Between(a, new RunConfig()));
        Assert.Equal(
            [new("data.path", "null", "\"x\""), new("network.channels", "[32,64,64]", "[32,64]")],
            ConfigurationDifference.Between(a, b));
    }

    [Fact]
    public void AnObjectIsNotSharedWithTheResult()
    {
        var json = new JsonObject { ["network"] = new JsonObject { ["channels"] = new JsonArray(8, 16) } };
        var config = RunConfigJson.FromJson(json, "file");
        json["network"]!["channels"]![0] = 99;
        Assert.Equal([8, 16], config.Network.BlockChannels);
    }
}
