using System.Text.Json;

namespace RawDiffusion.EndToEndTests;

/// <summary>What a user sees of the executable beside its work: help, quiet, lists, and what is left when nobody reads it.</summary>
public class TerminalTests(TrainedRun trained)
{
    private string Run => trained.Workspace.At("run");

    [Theory]
    [InlineData("", "Commands:|train|resume|runs")]
    [InlineData("help", "Commands:|doctor")]
    [InlineData("help sample", "--guidance|--quiet")]
    [InlineData("-V", "0.")]
    [InlineData("version", "0.")]
    public void HelpAndVersionAreFoundByTheirUsualNames(string arguments, string expected)
    {
        using var at = new Workspace();
        var result = at.Run(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Succeeded();
        Assert.All(expected.Split('|'), text => Assert.Contains(text, result.Out));
        Assert.Empty(result.Error);
    }

    [Fact]
    public void SeveralFaultsStandOneALine()
    {
        using var at = new Workspace();
        string[] lines = at.Run("train", "--batch", "0", "--lr", "-1", "--set", "stepz=1").Refused(2).Error.TrimEnd().Split('\n');
        Assert.Equal("rawdiffusion: The configuration cannot be used, for 3 reasons:", lines[0]);
        Assert.All(lines[1..4], line => Assert.StartsWith("  ", line));
        at.Write("d/a.png", []);
        at.Write("d/b.png", []);
        lines = at.Run("train", "--data", "d").Refused(3).Error.TrimEnd().Split('\n');
        Assert.Equal(["  a.png: ", "  b.png: "], lines[1..3].Select(line => line[..9]));
    }

    [Fact]
    public void QuietSaysNothingThatIsWell()
    {
        using var at = new Workspace();
        var train = at.Train("run", 2, "--quiet").Succeeded();
        Assert.Equal(("", ""), (train.Out, train.Error));
        var resume = at.Run("resume", "run", "--steps", "3", "--quiet").Succeeded();
        Assert.Equal(("", ""), (resume.Out, resume.Error));
        var sample = at.Run("sample", "run", "--count", "1", "--out", "x.png", "--quiet").Succeeded();
        Assert.Equal((Path.Combine(at.Folder, "x.png") + "\n", ""), (sample.Out, sample.Error));
        at.Train("run", 2, "--quiet").Refused(2, "holds a run already");
    }

    [Fact]
    public void RunsAreListedWithTheirState()
    {
        using var at = new Workspace();
        at.Run(["train", "--steps", "2", "--quiet", .. Workspace.Tiny]).Succeeded();
        at.Run(["train", "--steps", "3", "--out", "runs/mine", "--quiet", .. Workspace.Tiny]).Succeeded();
        string config = at.At("runs", "mine", "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"steps\": 3", "\"steps\": 4000"));
        Directory.CreateDirectory(at.At("runs", "other"));
        string[] lines = at.Run("runs").Succeeded().Out.TrimEnd().Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Matches("^run +state +step +loss +preset +changed$", lines[0]);
        Assert.Matches(@"^runs/0001-shapes +finished +2/2 +\d\.\d{4} +shapes +\d{4}-\d\d-\d\d \d\d:\d\d$", lines[1]);
        Assert.Matches(@"^runs/mine +stopped +3/4,000 ", lines[2]);

        JsonElement[] runs = [.. at.Run("runs", "runs", "--json").Succeeded().Out.TrimEnd().Split('\n').Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(["finished", "stopped"], runs.Select(run => run.GetProperty("state").GetString()));
        Assert.Equal([2, 3], runs.Select(run => run.GetProperty("step").GetInt64()));
        Assert.Single(at.Run("runs", "runs/mine", "--json").Succeeded().Out.TrimEnd().Split('\n'));
    }

    [Fact]
    public void ShellsCompleteValues()
    {
        using var at = new Workspace();
        string[] Offered(string line) => at.Run($"[suggest:{line.Length}]", line).Succeeded().Out.TrimEnd().Split('\n');
        Assert.Equal(["cifar10", "mnist", "shapes"], Offered("rawdiffusion train --preset "));
        Assert.Contains("optimizer.ema_decay=", Offered("rawdiffusion train --set optimizer."));
        Assert.Contains("dpmpp_2m", Offered("rawdiffusion sample run --sampler "));
        Assert.Contains("star", Offered($"rawdiffusion sample {Run} --class "));
        Assert.Contains("complete -o default -F _rawdiffusion rawdiffusion", at.Run("completion", "bash").Succeeded().Out);
    }

    [Fact]
    public void SampleAndDoctorSpeakJson()
    {
        using var at = new Workspace();
        var sample = JsonDocument.Parse(at.Run("sample", Run, "--count", "2", "--steps", "2", "--class", "star", "--out", "s", "--json").Succeeded().Out).RootElement;
        Assert.Equal([Path.Combine("s", "grid.png")], sample.GetProperty("files").EnumerateArray().Select(file => file.GetString()));
        Assert.Equal((2, 32, 3, 2), (sample.GetProperty("count").GetInt32(), sample.GetProperty("width").GetInt32(), sample.GetProperty("class").GetInt32(), sample.GetProperty("steps").GetInt32()));
        var doctor = JsonDocument.Parse(at.Run("doctor", "--json").Succeeded().Out).RootElement;
        Assert.True(doctor.GetProperty("well").GetBoolean());
        Assert.Contains("gradients", doctor.GetProperty("rows").EnumerateArray().Select(row => row.GetProperty("name").GetString()));
    }

    [Theory]
    [InlineData("/dev/full", 6)]
    [InlineData("&-", 6)]
    public void StandardOutputThatCannotBeWrittenToIsSaid(string target, int exitCode)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/dev/full is Linux's");
        using var at = new Workspace();
        var result = at.StartShell($"sample '{Run}' --count 1 --steps 2 --out x.png >{target}").WaitForExit();
        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains("rawdiffusion: Standard output cannot be written to", result.Error);
        Assert.True(File.Exists(at.At("x.png")));
    }

    /// <summary>A log that nobody can read costs no training.</summary>
    [Fact]
    public void StandardErrorThatCannotBeWrittenToIsNoMatter()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/dev/full is Linux's");
        using var at = new Workspace();
        Assert.Equal(0, at.StartShell($"sample '{Run}' --count 1 --steps 2 --out x.png 2>/dev/full").WaitForExit().ExitCode);
    }

    [Fact]
    public void CountsAreCheckedBeforeAnythingIsDrawn()
    {
        using var at = new Workspace();
        at.Run("sample", Run, "--count", "2000000000", "--out", "x.npz").Refused(2, "2,000,000,000 images of 32×32×3 are too many for one go");
        at.Run("sample", Run, "--count", "300000", "--out", "x.png").Refused(2, "300,000 images of 32×32 do not fit into one picture, x.png");
        at.Run("sample", Run, "--count", "1", "--out", "s.tiff").Refused(2, "--out is 's.tiff'");
        var wrong = at.Run("sample", Run, "--sampler", "euler", "--count", "0", "--class", "stair", "--out", "x.png").Refused(2, "--sampler is 'euler'", "count is 0", "did you mean star?");
        Assert.StartsWith("rawdiffusion: ", wrong.Error);
        Assert.Empty(at.Contents());
        at.Run("sample", Run, "--count", "3", "--steps", "2", "--out", "d").Succeeded();
        at.Run("sample", Run, "--count", "2", "--steps", "2", "--seed", "5", "--out", "d").Refused(2, "d holds 1 image of an earlier sample", "image-00002.png");
        at.Run("sample", Run, "--count", "3", "--steps", "2", "--seed", "5", "--out", "d").Succeeded();
    }

    [Fact]
    public void ARunWithoutACheckpointSaysAWayThatWorks()
    {
        using var at = new Workspace();
        at.Train("run", 1).Succeeded();
        Directory.Delete(at.At("run", "checkpoints"), recursive: true);
        at.Train("run", 1).Refused(2, "cannot be resumed", "remove this one");
        at.Run("resume", "run").Refused(6, "no intact checkpoint", "in another folder");
    }
}
