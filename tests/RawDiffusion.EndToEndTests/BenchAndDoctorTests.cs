using System.Globalization;
using System.Text.Json;

namespace RawDiffusion.EndToEndTests;

public class BenchAndDoctorTests
{
    [Fact]
    public void BenchPrintsOneLineWithTheYardsticksFields()
    {
        using var at = new Workspace();
        var result = at.Run("bench", "--preset", "mnist", "--batch", "2", "--threads", "1", "--sample-batch", "2").Succeeded();
        using var json = JsonDocument.Parse(Assert.Single(result.Out.TrimEnd().Split('\n')));
        var fields = json.RootElement;
        Assert.Equal(1_112_801, fields.GetProperty("parameters").GetInt64());
        Assert.Equal("mnist", fields.GetProperty("preset").GetString());
        Assert.Equal(2, fields.GetProperty("batch").GetInt32());
        Assert.StartsWith("CPU, 1 thread", fields.GetProperty("device").GetString());
        foreach (string name in new[] { "train_step_ms", "images_per_s", "denoise_step_ms", "peak_mib", "first_step_s" })
        {
            Assert.True(fields.GetProperty(name).GetDouble() > 0, name);
        }
        Assert.Empty(at.Contents());
    }

    [Fact]
    public void BenchTimesInTurnWhatItsInputAsksFor()
    {
        using var at = new Workspace();
        string[] bench = ["bench", "--preset", "mnist", "--batch", "1", "--threads", "1", "--turns"];
        var result = at.Start(bench).Tell("train", "1", "train").WaitForExit().Succeeded();
        double[] milliseconds = [.. result.Out.TrimEnd().Split('\n').Select(line => double.Parse(line, CultureInfo.InvariantCulture))];
        Assert.Equal(3, milliseconds.Length);
        Assert.All(milliseconds, ms => Assert.True(ms > 0));
        at.Start(bench).Tell("sample").WaitForExit().Refused(2, "'sample' on standard input is nothing to time");
        at.Start([.. bench, "--sample-batch", "4"]).Tell().WaitForExit().Refused(2, "--sample-batch is 4 beside --turns");
    }

    [Fact]
    public void DoctorFindsThisMachineWell()
    {
        using var at = new Workspace();
        string report = at.Run("doctor").Succeeded().Out;
        Assert.All(["system", ".NET", "processor", "instructions", "memory", "Jpeg images", "Tiff images", "pictures", "device"], name => Assert.Contains(name, report));
        Assert.Equal(3, report.Split('\n').Count(line => line.EndsWith(" can be read", StringComparison.Ordinal)));
        Assert.Equal(4, report.Split('\n').Count(line => line.EndsWith(" well", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("train", "--conditional")]
    [InlineData("resume", "--steps")]
    [InlineData("sample", "--guidance")]
    [InlineData("predict", "--input")]
    [InlineData("bench", "--sample-batch")]
    [InlineData("export", "--out")]
    [InlineData("doctor", "--help")]
    public void EveryCommandExplainsItself(string command, string option)
    {
        using var at = new Workspace();
        Assert.Contains(option, at.Run(command, "--help").Succeeded().Out);
    }
}
