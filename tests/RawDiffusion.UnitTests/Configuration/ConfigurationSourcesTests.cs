using System.Text.Json.Nodes;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.UnitTests.Configuration;

public class ConfigurationSourcesTests
{
    private static ConfigurationFile File(string json) => new("my.json", (JsonObject)JsonNode.Parse(json)!);

    private static RunConfig Good(ConfigurationSources sources, string preset = "shapes")
    {
        var built = sources.Build(preset);
        Assert.Empty(built.Problems);
        return built.Config;
    }

    private static string Bad(params string[] settings) =>
        Assert.Single(new ConfigurationSources { Settings = settings }.Build("shapes").Problems).ToString();

    [Fact]
    public void EveryPresetIsItselfWithoutOtherSources()
    {
        foreach (var (name, preset) in Presets.All)
        {
            Assert.Empty(ConfigurationDifference.Between(preset, Good(new() { Preset = name })));
            Assert.Equal(name, preset.Preset);
        }
    }

    [Fact]
    public void HigherLayersCoverLowerOnes()
    {
        var config = Good(new()
        {
            Preset = "mnist",
            File = File("""{ "steps": 1, "batch": 2, "seed": 3, "optimizer": { "learning_rate": 0.5, "warm_up": 7 } }"""),
            Options = [new("--batch", "batch", 20), new("--lr", "optimizer.learning_rate", 0.25)],
            Settings = ["seed=30", "optimizer.learning_rate=0.125"],
        });
        Assert.Equal(1, config.Steps);
        Assert.Equal(20, config.Batch);
        Assert.Equal(30ul, config.Seed);
        Assert.Equal(0.125, config.Optimizer.LearningRate);
        Assert.Equal(7, config.Optimizer.WarmUp);
        Assert.Equal(Presets.All["mnist"].Optimizer.EmaDecay, config.Optimizer.EmaDecay);
        Assert.Equal("mnist", config.Preset);
    }

    [Fact]
    public void TheFilesPresetIsUsedUnlessAnotherIsNamed()
    {
        var file = File("""{ "preset": "cifar10" }""");
        Assert.Equal([128, 256, 256, 256], Good(new() { File = file }).Network.BlockChannels);
        Assert.Equal("cifar10", Good(new() { File = file }).Preset);
        var other = Good(new() { File = file, Preset = "mnist" });
        Assert.Equal([32, 64, 64], other.Network.BlockChannels);
        Assert.Equal("mnist", other.Preset);
    }

    [Fact]
    public void WithoutANameTheCallersPresetIsUsed()
    {
        Assert.Equal("cifar10", Good(new(), "cifar10").Preset);
        Assert.Null(new ConfigurationSources { File = File("{}") }.NamedPreset);
    }

    [Theory]
    [InlineData(28, 28, 1, "mnist")]
    [InlineData(20, 28, 1, "mnist")]
    [InlineData(28, 28, 3, "cifar10")]
    [InlineData(32, 32, 1, "cifar10")]
    public void ImagesChooseThePreset(int height, int width, int channels, string preset) => Assert.Equal(preset, Presets.ForImages(height, width, channels));

    [Fact]
    public void SettingsAreTyped()
    {
        var config = Good(new()
        {
            Settings =
            [
                "network.channels=[32, 64]", "device.graphs=false", "data.path=some folder/x=y", "network.start_from=\"quoted\"",
                "optimizer.max_norm=null", "network.attention_head_dim=8", "network.attention_levels=[]", "optimizer={\"beta1\":0.5}",
            ],
        });
        Assert.Equal([32, 64], config.Network.BlockChannels);
        Assert.False(config.Device.Graphs);
        Assert.Equal("some folder/x=y", config.Data.Path);
        Assert.Equal("quoted", config.StartFrom);
        Assert.Null(config.Optimizer.MaxNorm);
        Assert.Equal(8, config.Network.AttentionHeadDim);
        Assert.Empty(config.Network.AttentionLevels);
        Assert.Equal(0.5, config.Optimizer.Beta1);
        Assert.Null(Good(new() { Options = [new("--data", "data.path", "x")], Settings = ["data.path=null"] }).Data.Path);
    }

    [Theory]
    [InlineData("optimizer.ema_deca=0.9", "there is no key optimizer.ema_deca (did you mean optimizer.ema_decay?)")]
    [InlineData("ema_decay=0.9", "there is no key ema_decay (did you mean optimizer.ema_decay?)")]
    [InlineData("chanels=[1]", "did you mean data.channels or network.channels?")]
    [InlineData("optimiser.lr=1", "there is no key optimiser.lr (did you mean optimizer.learning_rate?)")]
    [InlineData("batch_size=1", "did you mean batch?")]
    [InlineData("optimizer.zzzz=1", "there is no key optimizer.zzzz; optimizer has learning_rate, warm_up, beta1, ")]
    [InlineData("batch=1e30", "batch is 1e30; expected a whole number")]
    [InlineData("zzzzzzzz=1", "there is no key zzzzzzzz")]
    [InlineData("steps.more=1", "steps is a value, not a section")]
    [InlineData("network=5", "network is 5, but it is a section; its keys are network.channels, ")]
    [InlineData("steps", "expected key=value")]
    [InlineData("=5", "expected key=value")]
    [InlineData("steps=1.5", "steps is 1.5; expected a whole number")]
    [InlineData("steps=99999999999999999999", "steps is 99999999999999999999; expected a whole number")]
    [InlineData("batch=", "batch is \"\"; expected a whole number")]
    [InlineData("optimizer.learning_rate=NaN", "optimizer.learning_rate is \"NaN\"; expected a number")]
    [InlineData("network.channels=32,64", "expected a list of whole numbers")]
    [InlineData("network.channels=null", "network.channels is null; expected a list of whole numbers")]
    [InlineData("network.channels=[null]", "network.channels is [null]; expected a list of whole numbers")]
    [InlineData("device.name=null", "device.name is null; expected text")]
    [InlineData("preset=mnist", "choose the preset with --preset")]
    [InlineData("format=1", "format is written by the program, it is not for setting")]
    public void AWrongSettingIsNamedAndExplained(string setting, string expected)
    {
        string problem = Bad(setting);
        Assert.StartsWith("--set " + setting, problem);
        Assert.Contains(expected, problem);
    }

    [Fact]
    public void AnUnknownPresetIsReportedWithTheNearestAndTogetherWithOtherProblems()
    {
        var built = new ConfigurationSources { Preset = "cifar", File = File("""{ "x": 1 }"""), Settings = ["y=1", "steps=3"] }.Build("shapes");
        Assert.Collection(
            built.Problems.Select(problem => problem.ToString()),
            problem => Assert.Equal("there is no preset cifar; presets are shapes, mnist, cifar10", problem.Replace(" (did you mean cifar10?)", "")),
            problem => Assert.Contains("my.json: there is no key x", problem),
            problem => Assert.Contains("no key y", problem));
        Assert.Equal(3, built.Config.Steps);
        Assert.Contains("did you mean mnist?", new ConfigurationSources { Preset = "minst" }.Build("shapes").Problems[0].ToString());
    }

    [Fact]
    public void AWholeNumberMayBeWrittenAsOne()
    {
        var config = new ConfigurationSources { File = File("""{ "save_every": 2.5e3 }"""), Settings = ["steps=1e5", "batch=8.0", "seed=18446744073709551615"] }.Build("shapes");
        Assert.Empty(config.Problems);
        Assert.Equal((100_000, 8, 2500, ulong.MaxValue), (config.Config.Steps, config.Config.Batch, config.Config.SaveEvery, config.Config.Seed));
    }

    [Theory]
    [InlineData("--stepz", "--steps")]
    [InlineData("--batch-size", "--batch")]
    [InlineData("--save-every-n", "--save-every")]
    [InlineData("--guid", "--guidance")]
    [InlineData("--my-seed", "--seed")]
    [InlineData("--zzz", null)]
    [InlineData("-q", null)]
    public void ANameIsFoundByLettersBeginningAndParts(string written, string? meant) =>
        Assert.Equal(meant, NearestName.To(written, ["--steps", "--batch", "--save-every", "--sample-every", "--seed", "--guidance", "--save"]));

    [Theory]
    [InlineData("abc", "abc", 0)]
    [InlineData("abc", "ABC", 0)]
    [InlineData("", "abc", 3)]
    [InlineData("ab", "ba", 1)]
    [InlineData("kitten", "sitting", 3)]
    public void EditDistances(string a, string b, int distance)
    {
        Assert.Equal(distance, NearestName.Distance(a, b));
        Assert.Equal(distance, NearestName.Distance(b, a));
    }
}
