using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
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
        var result = Run(at, new(EmulatedCudaTests.Emulated().Concat(Peer(at)))).Succeeded();
        Assert.Equal(["doctor", "op-cases", "train-cpu", "train-cuda", "losses", "kernels", "bench-fp32-1"], Parts(result, "well"));
        Assert.Contains("0 parts failed", result.Out);
        AssertRatios(at, result);
        Assert.Contains("DenoiseUpdate", File.ReadAllText(at.At("out", "doctor.log")));
        Assert.Matches(@"op-cases +well .* total [0-9]{3,} failed 0 succeeded [0-9]{3,} skipped 0", result.Out);
        AssertTimings(File.ReadLines(at.At("out", "kernels.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToList());
    }

    /// <summary>A python3 that says of PyTorch that it is there, and that it took 1 ms for a training step in the first round and 3 ms in the second.</summary>
    private static Dictionary<string, string> Peer(Workspace at)
    {
        string folder = Directory.CreateDirectory(at.At("peer")).FullName, python = Path.Combine(folder, "python3"), calls = Path.Combine(folder, "calls.txt");
        File.WriteAllText(python, $$"""
            #!/bin/sh
            [ "$1" = -c ] && exit 0
            echo "$*" >>'{{calls}}'
            [ "$(wc -l <'{{calls}}')" -le 4 ] && ms=1.0 || ms=3.0
            printf '{"train_step_ms": %s, "denoise_step_ms": 0.5}\n' $ms
            """);
        File.SetUnixFileMode(python, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return new() { ["PEER"] = folder, ["PATH"] = $"{folder}:{Environment.GetEnvironmentVariable("PATH")}" };
    }

    /// <summary>Four kinds of PyTorch, twice each, in turn with us; the ratios are those of the times in the logs.</summary>
    private static void AssertRatios(Workspace at, Result result)
    {
        string[] calls = File.ReadAllLines(at.At("peer", "calls.txt"));
        Assert.Equal(8, calls.Length);
        Assert.EndsWith("bench_torch.py --device cpu --preset mnist --tf32 --bf16 --channels-last --compile --batch 1 --sample-batch 1", calls[3]);
        double Ours(int round, string field) => JsonDocument.Parse(File.ReadAllText(at.At("out", $"round-{round}-fp32-1.log"))).RootElement.GetProperty(field).GetDouble();
        double[] ratios = [Ours(1, "train_step_ms"), Ours(2, "train_step_ms") / 3];
        var line = Regex.Match(result.Out, @"^fp32 over compiled-bf16, training at batch 1: ([0-9.]+) \(([0-9.]+) to ([0-9.]+) in 2 rounds\)$", RegexOptions.Multiline);
        Assert.True(line.Success, result.Out);
        foreach (var (group, expected) in ((double[])[ratios.Average(), ratios.Min(), ratios.Max()]).Index())
        {
            Assert.Equal(expected, double.Parse(line.Groups[group + 1].Value, CultureInfo.InvariantCulture), 1e-3 * expected + 1e-3);
        }
        Assert.Equal(8, Regex.Count(result.Out, @"^fp32 over (eager|compiled)-\w+, (training|denoising) at batch 1: [0-9.]+ \([0-9.]+ to [0-9.]+ in 2 rounds\)$", RegexOptions.Multiline));
    }

    /// <summary>Every kind of figure is there, and the ops that are counted are those that the network's steps launch.</summary>
    private static void AssertTimings(List<JsonElement> lines)
    {
        Assert.Equal(["title", "ceilings", "op", "launches"], lines.Select(l => l.GetProperty("kind").GetString()!).Distinct());
        var ops = lines.Where(l => l.GetProperty("kind").GetString() == "op").ToList();
        Assert.All(ops, op => Assert.True(op.GetProperty("ms").GetDouble() > 0, op.ToString()));
        foreach (string precision in (string[])["fp32", "tf32"])
        {
            int PerStep(string name, string? of = null) => ops.Where(o => Text(o, "precision") == (of ?? precision) && Text(o, "op") == name).Sum(o => o.GetProperty("per_step").GetInt32());
            int Launches(string step, string kernel) => lines
                .Where(l => Text(l, "kind") == "launches" && Text(l, "step").StartsWith($"{step} step, {precision},", StringComparison.Ordinal) && Regex.IsMatch(Text(l, "kernel"), $"^{kernel}$"))
                .Sum(l => l.GetProperty("launches").GetInt32());
            string convolution = precision == "fp32" ? "conv2d_" : "conv2d_tf32_", tile = "[0-9]+x[0-9]+";
            Assert.Equal(PerStep("Conv2d"), Launches("denoising", convolution + tile));
            Assert.Equal(PerStep("Conv2dBackwardWeight"), Launches("training", convolution + "weights_" + tile));
            Assert.Equal(PerStep("GroupNorm", "any"), Launches("training", "group_norm_forward"));
            Assert.Equal(PerStep("Attention"), Launches("training", "attention_softmax_backward"));
        }
    }

    private static string Text(JsonElement line, string name) => line.GetProperty(name).GetString()!;

    [Fact]
    public void AFailingPartIsMarkedAndTheOthersRun()
    {
        using var at = new Workspace();
        var none = new Dictionary<string, string> { ["RAWDIFFUSION_CUDA_DRIVER"] = at.At("no-such-driver.so") };
        var result = Run(at, none);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal(["doctor", "train-cpu", "bench-fp32-1"], Parts(result, "well"));
        Assert.Equal(["op-cases", "train-cuda", "losses", "kernels"], Parts(result, "FAILED"));
        Assert.Contains("no-such-driver.so", result.Out);
    }

    [Fact]
    public void AMissingProgramIsSaidAtOnce()
    {
        using var at = new Workspace();
        var result = Run(at, [], programs: "nowhere");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("there is no program nowhere/rawdiffusion: run benchmarks/gpu/publish.sh", result.Error);
    }

    private static IEnumerable<string> Parts(Result result, string verdict) =>
        result.Out.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(words => words.Length > 1 && words[1] == verdict).Select(words => words[0]);

    private static Result Run(Workspace at, Dictionary<string, string> environment, string? programs = null)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the script is for bash");
        var start = new ProcessStartInfo("bash", [Path.Combine(SharedFiles.RepositoryRoot, "benchmarks", "gpu", "run.sh"), "out", "--dry-run"])
        {
            WorkingDirectory = at.Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["PROGRAMS"] = programs ?? Programs(at);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }
        return new RunningProgram(Process.Start(start)!, 600_000).WaitForExit();
    }

    /// <summary>A folder in which the three programs stand side by side, as they do after a publish.</summary>
    private static string Programs(Workspace at)
    {
        string folder = Directory.CreateDirectory(at.At("programs")).FullName;
        string built = Path.GetRelativePath(Path.Combine(SharedFiles.RepositoryRoot, "tests", "RawDiffusion.EndToEndTests"), AppContext.BaseDirectory);
        foreach (string program in (string[])["tests/RawDiffusion.EndToEndTests/rawdiffusion", "tests/RawDiffusion.CudaTests/RawDiffusion.CudaTests", "benchmarks/RawDiffusion.GpuBenchmarks/RawDiffusion.GpuBenchmarks"])
        {
            string project = Path.Combine(SharedFiles.RepositoryRoot, Path.GetDirectoryName(program)!), name = Path.GetFileName(program);
            File.CreateSymbolicLink(Path.Combine(folder, name), Path.Combine(project, built, name));
        }
        return folder;
    }
}
