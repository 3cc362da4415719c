using System.Diagnostics;
using RawDiffusion.Testing;

namespace RawDiffusion.EndToEndTests;

/// <summary><c>benchmarks/gpu/run.sh</c>, in its dry run on the emulated driver.</summary>
public sealed class GpuScriptTests
{
    [Fact]
    public void TheDryRunPassesAndEndsWithASummary()
    {
        Assert.SkipWhen(EmulatedDriver.ReasonToSkip.Length > 0, EmulatedDriver.ReasonToSkip);
        using var at = new Workspace();
        var result = Run(at, EmulatedCudaTests.Emulated()).Succeeded();
        Assert.Equal(["doctor", "train-cpu", "train-cuda", "losses"], Parts(result, "well"));
        Assert.Contains("0 parts failed", result.Out);
        Assert.Contains("DenoiseUpdate", File.ReadAllText(at.At("out", "doctor.log")));
    }

    [Fact]
    public void AFailingPartIsMarkedAndTheOthersRun()
    {
        using var at = new Workspace();
        var none = new Dictionary<string, string> { ["RAWDIFFUSION_CUDA_DRIVER"] = at.At("no-such-driver.so") };
        var result = Run(at, none);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal(["doctor", "train-cpu"], Parts(result, "well"));
        Assert.Equal(["train-cuda", "losses"], Parts(result, "FAILED"));
        Assert.Contains("no-such-driver.so", result.Out);
    }

    [Fact]
    public void AMissingTrainerIsSaidAtOnce()
    {
        using var at = new Workspace();
        var result = Run(at, [], trainer: "nowhere");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("there is no trainer at nowhere", result.Error);
    }

    private static IEnumerable<string> Parts(Result result, string verdict) =>
        result.Out.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(words => words.Length > 1 && words[1] == verdict).Select(words => words[0]);

    private static Result Run(Workspace at, Dictionary<string, string> environment, string? trainer = null)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the script is for bash");
        var start = new ProcessStartInfo("bash", [Path.Combine(SharedFiles.RepositoryRoot, "benchmarks", "gpu", "run.sh"), "out", "--dry-run"])
        {
            WorkingDirectory = at.Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["RAWDIFFUSION"] = trainer ?? Path.Combine(AppContext.BaseDirectory, "rawdiffusion");
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }
        return new RunningProgram(Process.Start(start)!, 600_000).WaitForExit();
    }
}
