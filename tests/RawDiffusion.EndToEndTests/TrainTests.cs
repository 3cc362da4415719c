using System.Text.Json;
using RawDiffusion.Images;

namespace RawDiffusion.EndToEndTests;

public class TrainTests(TrainedRun trained)
{
    private static IEnumerable<long> LoggedSteps(Workspace at, string run) =>
        File.ReadAllLines(at.At(run, "metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("step").GetInt64());

    [Fact]
    public void TheRunFolderHoldsEverything()
    {
        var at = trained.Workspace;
        using var config = JsonDocument.Parse(File.ReadAllText(at.At("run", "config.json")));
        Assert.Equal(40, config.RootElement.GetProperty("steps").GetInt64());
        Assert.Equal("shapes", config.RootElement.GetProperty("preset").GetString());
        Assert.Equal(8, config.RootElement.GetProperty("network").GetProperty("channels")[0].GetInt32());
        Assert.Equal(32, config.RootElement.GetProperty("dataset").GetProperty("height").GetInt32());

        var metrics = File.ReadAllLines(at.At("run", "metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal([1, 10, 20, 30, 40], metrics.Select(line => line.GetProperty("step").GetInt64()));
        Assert.All(metrics, line =>
        {
            foreach (string name in new[] { "loss", "grad_norm", "lr", "images_per_s", "seconds" })
            {
                Assert.True(line.GetProperty(name).GetDouble() > 0, name);
            }
        });
        Assert.True(metrics[^1].GetProperty("loss").GetDouble() < metrics[0].GetProperty("loss").GetDouble());

        // Three checkpoints are kept.
        Assert.Equal(["step-0000020", "step-0000030", "step-0000040"], Directory.GetDirectories(at.At("run", "checkpoints")).Select(Path.GetFileName).Order());
        Assert.Equal(["step-0000020.png", "step-0000040.png"], Directory.GetFiles(at.At("run", "samples")).Select(Path.GetFileName).Order());
        var grid = ImageDecoder.Default.Decode(File.ReadAllBytes(at.At("run", "samples", "step-0000040.png")));
        Assert.Equal((2 * 66 + 2, 2 * 66 + 2, 3), (grid.Height, grid.Width, grid.Channels));
        Assert.True(ImageDecoder.Default.Decode(File.ReadAllBytes(at.At("run", "loss.png"))).Width > 100);
        Assert.True(ImageDecoder.Default.Decode(File.ReadAllBytes(at.At("run", "schedule.png"))).Width > 100);
    }

    [Fact]
    public void TalkGoesToStderrAndSaysWhereToLook()
    {
        Assert.Empty(trained.Training.Out);
        string[] lines = trained.Training.Error.TrimEnd().Split('\n');
        Assert.Contains(lines, line => line.Contains("parameters on CPU", StringComparison.Ordinal) && line.Contains("40 steps of 4 images", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("step 1/40  loss ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("step 40/40  loss ", StringComparison.Ordinal));
        Assert.Contains("step-0000040.png", lines[^1]);
        Assert.DoesNotContain('\u001b', trained.Training.Error);
        Assert.DoesNotContain('\r', trained.Training.Error);
    }

    [Fact]
    public void HalfOfItAndAResumeGiveTheSameBits()
    {
        using var at = new Workspace();
        at.Train("half", TrainedRun.Steps / 2, "--save-every", "10", "--sample-every", "20").Succeeded();
        at.Run("resume", "half", "--steps", $"{TrainedRun.Steps}").Succeeded();
        trained.AssertSameState(at, "half");
        Assert.Equal([1, 10, 20, 30, 40], LoggedSteps(at, "half"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AnyNumberOfThreadsGivesTheSameBits(int threads)
    {
        using var at = new Workspace();
        at.Train("run", TrainedRun.Steps, "--save-every", "20", "--set", $"device.threads={threads}").Succeeded();
        trained.AssertSameState(at, "run");
    }

    [Fact]
    public void ARunThatIsKilledGoesOnToTheSameBits()
    {
        using var at = new Workspace();
        var program = at.Start(["train", "--out", "run", "--steps", "40", "--save-every", "10", "--sample-every", "20", .. Workspace.Tiny]);
        program.WaitForLine("saved " + Path.Combine("run", "checkpoints", "step-0000020"));
        program.Kill();
        program.WaitForExit();
        // The last line may have been cut in the middle too.
        File.AppendAllText(at.At("run", "metrics.jsonl"), "{\"step\": 2");
        at.Run("resume", "run").Succeeded();
        trained.AssertSameState(at, "run");
        Assert.Equal([1, 10, 20, 30, 40], LoggedSteps(at, "run"));
    }

    [Fact]
    public void AStoredConfigurationRepeatsItsRun()
    {
        using var at = new Workspace();
        at.Run("train", "--config", trained.Workspace.At("run", "config.json"), "--out", "again").Succeeded();
        trained.AssertSameState(at, "again");
        Assert.Equal(File.ReadAllText(trained.Workspace.At("run", "config.json")), File.ReadAllText(at.At("again", "config.json")));
    }

    [Fact]
    public void ADryRunPrintsTheResolvedConfigurationAndLeavesNothing()
    {
        using var at = new Workspace();
        var result = at.Run("train", "--dry-run", "--lr", "0.5", "--seed", "18446744073709551615", "--conditional", "false").Succeeded();
        using var config = JsonDocument.Parse(result.Out);
        Assert.Equal("shapes", config.RootElement.GetProperty("preset").GetString());
        Assert.Equal(0.5, config.RootElement.GetProperty("optimizer").GetProperty("learning_rate").GetDouble());
        Assert.Equal(ulong.MaxValue, config.RootElement.GetProperty("seed").GetUInt64());
        Assert.False(config.RootElement.GetProperty("network").GetProperty("conditional").GetBoolean());
        Assert.Equal(8, config.RootElement.GetProperty("dataset").GetProperty("class_names").GetArrayLength());
        Assert.Contains("parameters", result.Error);
        Assert.Matches(@"memory: \d+ MiB on CPU, .+ with batches of 32: \d+ MiB for tensors, of which at most \d+ MiB are in use at once", result.Error);
        Assert.Empty(at.Contents());
    }

    [Fact]
    public void RunsAreNumberedWhereNoFolderIsNamed()
    {
        using var at = new Workspace();
        foreach (string folder in new[] { "0001-shapes", "0002-shapes" })
        {
            Assert.Contains(Path.Combine("runs", folder), at.Run(["train", "--steps", "1", .. Workspace.Tiny]).Succeeded().Error);
            Assert.True(Directory.Exists(at.At("runs", folder, "checkpoints", "step-0000001")));
        }
    }
}
