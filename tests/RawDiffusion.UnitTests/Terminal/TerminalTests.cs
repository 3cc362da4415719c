using RawDiffusion.Core;
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
    [InlineData("a", "jpg")]
    [InlineData("", null)]
    public void PathAndFormatMustAgree(string path, string? format) => Assert.Throws<ConfigurationException>(() => SampleTarget.Of(path, format));
}
