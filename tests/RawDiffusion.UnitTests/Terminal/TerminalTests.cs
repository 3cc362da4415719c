using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Storage;
using RawDiffusion.Trainer.Commands;
using RawDiffusion.Trainer.Terminal;
using RawDiffusion.Training;

namespace RawDiffusion.UnitTests.Terminal;

public class TerminalTests
{
    private static StepReport Report(long step, double loss, double seconds) => new(step, 100, loss, 1, 1e-3, 10, seconds, 0);

    [Fact]
    public void EveryKindOfFailureHasItsExitCode()
    {
        var codes = typeof(RawDiffusionException).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(RawDiffusionException)))
            .ToDictionary(type => type.Name, type => ExitCodes.Of((RawDiffusionException)Activator.CreateInstance(type, "what", null)!));
        Assert.Equal(new Dictionary<string, int>
        {
            ["ConfigurationException"] = 2,
            ["DataException"] = 3,
            ["DeviceException"] = 4,
            ["DivergedException"] = 5,
            ["StorageException"] = 6,
        }.OrderBy(code => code.Key), codes.OrderBy(code => code.Key));
    }

    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(44.2, "45 s")]
    [InlineData(59.5, "1 min 00 s")]
    [InlineData(185, "3 min 05 s")]
    [InlineData(8040, "2 h 14 min")]
    [InlineData(86400 * 3 + 3600 * 4, "3 d 4 h")]
    [InlineData(double.NaN, "0 s")]
    [InlineData(double.PositiveInfinity, null)]
    public void DurationsAreSaidAsPeopleDo(double seconds, string? expected)
    {
        string text = Talk.Duration(seconds);
        Assert.True(expected is null ? text.EndsWith(" h", StringComparison.Ordinal) : text == expected, text);
    }

    [Fact]
    public void AmountsAndNumbersAreShort()
    {
        Assert.Equal("312 MiB", Talk.Bytes(312L << 20));
        Assert.Equal("2.5 GiB", Talk.Bytes(5L << 29));
        Assert.Equal(["0.123", "12.3", "1,235", "1e-05", "NaN"], new[] { 0.12345, 12.345, 1234.6, 1e-5, double.NaN }.Select(value => Talk.Number(value).Replace("nan", "NaN")));
    }

    [Theory]
    [InlineData(0, "image", "0 images")]
    [InlineData(1, "step", "1 step")]
    [InlineData(2000, "network evaluation", "2,000 network evaluations")]
    public void NumbersOfThingsArePluralWhereTheyShouldBe(long number, string thing, string expected) => Assert.Equal(expected, Talk.Count(number, thing));

    [Theory]
    [InlineData("--epochs", " (did you mean --steps, which counts batches and not passes over the images?)")]
    [InlineData("--batch_size=4", " (did you mean --batch?)")]
    [InlineData("--learning-rate", " (did you mean --lr?)")]
    [InlineData("--image-size", " (did you mean --set data.resize=N?)")]
    [InlineData("--count", " (did you mean --set sampling.count=N?)")]
    [InlineData("--cpunt", "")]
    [InlineData("-x", "")]
    public void OptionsOfOtherProgramsAreKnown(string written, string hint) => Assert.Equal(hint, OtherNames.OptionHint(written, TrainCommand.Create()));

    [Fact]
    public void ARunFolderIsSummedUpWithoutItsCheckpoints()
    {
        using var folder = new TempFolder();
        using (var run = RunFolder.Create(folder.At("a"), "shapes"))
        {
            run.WriteConfig(new JsonObject { ["steps"] = 20, ["preset"] = "shapes" });
            using (var log = MetricsLog.Open(run.MetricsPath, 0))
            {
                log.Append(new StepMetrics(10, 0.5, 1, 1e-3, 10, 1));
                log.Append(new StepMetrics(15, double.NaN, 1, 1e-3, 10, 1));
            }
            var running = RunSummary.Of(folder.At("a"));
            Assert.Equal(("running", 15, 20, 0.5, "shapes"), (running.State, running.Step, running.Steps, running.Loss, running.Preset));
        }
        Assert.Equal(("stopped", null, null), RunSummary.Of(folder.At("a")) is var stopped ? (stopped.State, stopped.Step, stopped.Loss) : default);
        Directory.CreateDirectory(folder.At("a", "checkpoints", "step-0000010"));
        Assert.Equal(("stopped", 10, 0.5), RunSummary.Of(folder.At("a")) is var saved ? (saved.State, saved.Step, saved.Loss) : default);
        Directory.CreateDirectory(folder.At("a", "checkpoints", "step-0000020"));
        Assert.Equal(("finished", 20), RunSummary.Of(folder.At("a")) is var finished ? (finished.State, finished.Step) : default);
        File.WriteAllText(folder.At("a", "config.json"), "{");
        var damaged = RunSummary.Of(folder.At("a"));
        Assert.Equal("damaged", damaged.State);
        Assert.Contains("config.json", damaged.Error);
    }

    [Fact]
    public void WhatAnEarlierSampleWouldLeaveAmongTheNewImagesIsRefused()
    {
        using var folder = new TempFolder();
        foreach (string name in new[] { "image-00000.png", "image-00001.png", "image-00002.png", "grid.png", "image-my.png" })
        {
            File.WriteAllBytes(folder.At(name), []);
        }
        var target = SampleTarget.Of(folder.Path, null);
        target.Check(3, 32, 32);
        Assert.Contains("2 images of an earlier sample", Assert.Throws<ConfigurationException>(() => target.Check(1, 32, 32)).Message);
        Assert.Contains("1 image of an earlier sample", Assert.Throws<ConfigurationException>(() => target.Check(2, 32, 32)).Message);
        SampleTarget.Of(folder.At("none"), null).Check(1, 32, 32);
    }

    [Fact]
    public void OnePictureHoldsOnlySoManyImages()
    {
        SampleTarget.Of("grid.png", null).Check(61_504, 32, 32);
        SampleTarget.Of("grid.npz", null).Check(1_000_000, 256, 256);
        Assert.Contains("do not fit into one picture", Assert.Throws<ConfigurationException>(() => SampleTarget.Of("grid.png", null).Check(4000, 256, 256)).Message);
    }

    [Fact]
    public void TheTimeLeftFollowsTheSessionsOwnPace()
    {
        var pace = new TrainingPace();
        Assert.Null(pace.SecondsLeft);
        // A resumed run: 50 steps and 1000 seconds were spent before.
        pace.Add(Report(51, 1, 1000));
        Assert.Null(pace.SecondsLeft);
        pace.Add(Report(61, 1, 1005));
        Assert.Equal(39 * 0.5, pace.SecondsLeft!.Value, 9);
    }

    [Theory]
    [InlineData(1, 0.5, "↘")]
    [InlineData(0.5, 1, "↗")]
    [InlineData(1, 1.005, "→")]
    public void TheTrendComparesLaterToEarlierLosses(double earlier, double later, string arrow)
    {
        var pace = new TrainingPace();
        Assert.Equal(" ", pace.Trend);
        for (int i = 0; i < 10; i++)
        {
            pace.Add(Report(i + 1, i < 5 ? earlier : later, i));
        }
        Assert.Equal(arrow, pace.Trend);
    }

    [Fact]
    public void TheSparklineSpansItsLossesAndLeavesOutWhatIsNoNumber()
    {
        var pace = new TrainingPace();
        Assert.Equal("", pace.Sparkline(8));
        pace.Add(Report(1, 1, 1));
        pace.Add(Report(2, double.NaN, 2));
        pace.Add(Report(3, 0.1, 3));
        pace.Add(Report(4, 0.01, 4));
        Assert.Equal("█▅▁", pace.Sparkline(8));
        for (int i = 5; i < 2000; i++)
        {
            pace.Add(Report(i, 1.0 / i, i));
        }
        string line = pace.Sparkline(8);
        Assert.Equal(8, line.Length);
        Assert.Equal(('█', '▁'), (line[0], line[^1]));
    }

    [Theory]
    [InlineData("grid.png", null, "grid.png", "png")]
    [InlineData("GRID.PNG", "png", "GRID.PNG", "png")]
    [InlineData("all.npz", null, "all.npz", "npz")]
    [InlineData("folder", null, null, "png")]
    [InlineData("folder.v2", "png", null, "png")]
    [InlineData("folder", "npz", "samples.npz", "npz")]
    public void TheTargetFollowsFromPathAndFormat(string path, string? format, string? file, string expected)
    {
        var target = SampleTarget.Of(path, format);
        Assert.Equal((file, expected), (target.File, target.Format));
    }

    [Theory]
    [InlineData("a.png", "npz")]
    [InlineData("a.npz", "png")]
    [InlineData("a.jpg", null)]
    [InlineData("s.tiff", null)]
    [InlineData("s.pt", null)]
    [InlineData("s.zip", "png")]
    [InlineData("a", "jpg")]
    [InlineData("", null)]
    public void PathAndFormatMustAgree(string path, string? format) => Assert.Throws<ConfigurationException>(() => SampleTarget.Of(path, format));
}
