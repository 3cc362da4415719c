using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using RawDiffusion.Testing;

namespace RawDiffusion.EndToEndTests;

/// <summary><c>benchmarks/gpu/run.sh</c>, in its dry run on the emulated driver.</summary>
public sealed class GpuScriptTests
{
    private static readonly string[] Steps =
    [
        "doctor/doctor", "op-cases/AgreesWithTheReference", "op-cases/others", "losses/compared", "losses/cpu", "losses/cuda", "kernels/kernels", "bench/fp32-1", "peer/rounds",
    ];

    /// <summary>First one part alone, then a call without any time, then all: what is done is not done again, what is not is, and a summary needs neither.</summary>
    [Fact]
    public void ThePartsGoOnFromCallToCallAndEndInASummary()
    {
        Assert.SkipWhen(EmulatedDriver.ReasonToSkip.Length > 0, EmulatedDriver.ReasonToSkip);
        using var at = new Workspace();
        var environment = new Dictionary<string, string>(EmulatedCudaTests.Emulated().Concat(Peer(at)));
        var doctor = Run(at, environment, "doctor").Succeeded();
        Assert.Equal(["doctor/doctor"], Of(doctor, "well"));
        Assert.Contains("\npeer: not run\n", doctor.Out);
        Assert.Contains("1 steps well, 0 failed, 0 unfinished", doctor.Out);
        var written = File.GetLastWriteTimeUtc(at.At("out", "doctor", "doctor.log"));

        var hasty = Run(at, new(environment) { ["LIMIT"] = "0" });
        Assert.Equal(1, hasty.ExitCode);
        Assert.Equal(["doctor/doctor"], Of(hasty, "well"));
        Assert.Equal(Steps[1..], Of(hasty, "unfinished"));

        var result = Run(at, environment).Succeeded();
        Assert.Equal(Steps, Of(result, "well"));
        Assert.Contains($"{Steps.Length} steps well, 0 failed, 0 unfinished", result.Out);
        Assert.Equal(written, File.GetLastWriteTimeUtc(at.At("out", "doctor", "doctor.log")));
        Assert.Contains("DenoiseUpdate", File.ReadAllText(at.At("out", "doctor", "doctor.log")));
        Assert.Matches(@"op-cases/AgreesWithTheReference +well .* total [0-9]{3,} failed 0 succeeded [0-9]{3,} skipped 0", result.Out);
        Assert.Contains($"PYTHONPATH={at.At("peer", "site-packages")}", File.ReadAllText(at.At("out", "machine.txt")).Split('\n'));
        AssertTimings(File.ReadLines(at.At("out", "kernels", "kernels.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToList());
        AssertTurns(at);
        AssertRatios(at, result);

        var summary = Run(at, [], "summary", programs: "nowhere").Succeeded();
        Assert.Equal(result.Out, summary.Out);
    }

    /// <summary>
    /// A python3 that says where its packages are and that PyTorch is there. Of a training step it says that it took 1 ms in the first round that
    /// counts and 3 ms in the second, and of denoising half a millisecond.
    /// </summary>
    private static Dictionary<string, string> Peer(Workspace at)
    {
        string folder = Directory.CreateDirectory(at.At("peer")).FullName, python = Path.Combine(folder, "python3"), calls = Path.Combine(folder, "calls.txt");
        File.WriteAllText(python, $$"""
            #!/bin/bash
            case $1:$2 in
              -c:*sysconfig*) echo '{{folder}}/site-packages'; exit ;;
              -c:*) exit ;;
            esac
            echo "$TORCHINDUCTOR_CACHE_DIR $*" >>'{{calls}}'
            while read -r line; do
              echo "$line" >>'{{calls}}'
              case $line in
                *train) [[ $(grep -c "^$line" '{{calls}}') -le 2 ]] && echo 1.0 || echo 3.0 ;;
                *) echo 5e-1 ;;
              esac
            done
            """);
        File.SetUnixFileMode(python, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return new() { ["PEER"] = folder, ["PATH"] = $"{folder}:{Environment.GetEnvironmentVariable("PATH")}" };
    }

    /// <summary>One process of PyTorch's for all kinds, which keeps what it compiled; a round to warm up, and back and forth from round to round.</summary>
    private static void AssertTurns(Workspace at)
    {
        string[] calls = File.ReadAllLines(at.At("peer", "calls.txt")), kinds = ["eager-fp32", "eager-tf32", "eager-bf16", "compiled-bf16"], back = [.. kinds.Reverse()];
        Assert.StartsWith(at.At("out", "peer", "inductor"), calls[0]);
        Assert.EndsWith("peer.py --device cpu --preset mnist --batch 1", calls[0]);
        IEnumerable<string> Round(string[] order) => ((string[])["train", "1"]).SelectMany(what => order.Select(kind => $"{kind} {what}"));
        Assert.Equal([.. Round(back), .. Round(kinds), .. Round(back)], calls[1..]);
        var expected = from round in (string[])["1", "2"] from side in (string[])["ours-fp32", .. kinds] from what in (string[])["train", "1"] select $"{round} {side} {what}";
        Assert.Equal(expected.Order(StringComparer.Ordinal), Rounds(at).Select(row => $"{row.Round} {row.Side} {row.What}").Order(StringComparer.Ordinal));
    }

    /// <summary>The ratios are those of the times of each round.</summary>
    private static void AssertRatios(Workspace at, Result result)
    {
        double Ours(string round) => Rounds(at).Single(row => row.Round == round && row.Side == "ours-fp32" && row.What == "train").Milliseconds;
        double[] ratios = [Ours("1"), Ours("2") / 3];
        var line = Regex.Match(result.Out, @"^fp32 over compiled-bf16, training at batch 1: ([0-9.]+) \(([0-9.]+) to ([0-9.]+) in 2 rounds\)$", RegexOptions.Multiline);
        Assert.True(line.Success, result.Out);
        foreach (var (group, expected) in ((double[])[ratios.Average(), ratios.Min(), ratios.Max()]).Index())
        {
            Assert.Equal(expected, double.Parse(line.Groups[group + 1].Value, CultureInfo.InvariantCulture), 1e-3 * expected + 1e-3);
        }
        Assert.Equal(8, Regex.Count(result.Out, @"^fp32 over (eager|compiled)-\w+, (training|denoising) at batch 1: [0-9.]+ \([0-9.]+ to [0-9.]+ in 2 rounds\)$", RegexOptions.Multiline));
    }

    private static IEnumerable<(string Round, string Side, string What, double Milliseconds)> Rounds(Workspace at) =>
        File.ReadAllLines(at.At("out", "peer", "rounds.tsv")).Select(line => line.Split('\t')).Select(row => (row[0], row[1], row[2], double.Parse(row[3], CultureInfo.InvariantCulture)));

    /// <summary>The median of an odd and of an even number of rounds, and only of those that both took part in; what was measured elsewhere is enough for it.</summary>
    [Fact]
    public void TheSummaryIsOfWhateverIsThere()
    {
        using var at = new Workspace();
        string[] rows =
        [
            "1 ours-fp32 train 10", "1 eager-fp32 train 5", "1 eager-tf32 train 10", "2 ours-fp32 train 30", "2 eager-fp32 train 10", "2 eager-tf32 train 10",
            "3 ours-fp32 train 12", "3 eager-fp32 train 3", "4 eager-bf16 train 7",
        ];
        at.Write(Path.Combine("out", "peer", "rounds.tsv"), [.. rows.SelectMany(row => Encoding.ASCII.GetBytes(row.Replace(' ', '\t') + '\n'))]);
        at.Write(Path.Combine("out", "kernels", "kernels.result"), "FAILED 7\n"u8.ToArray());
        at.Write(Path.Combine("out", "kernels", "kernels.err"), "error: lost\n"u8.ToArray());
        var result = Run(at, [], "summary", programs: "nowhere");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("\nfp32 over eager-fp32, training at batch 1: 3.000 (2.000 to 4.000 in 3 rounds)\n", result.Out);
        Assert.Contains("\nfp32 over eager-tf32, training at batch 1: 2.000 (1.000 to 3.000 in 2 rounds)\n", result.Out);
        Assert.Contains("\nfp32 over eager-bf16, training at batch 1: no round has both\n", result.Out);
        Assert.Matches(@"(?m)^kernels/kernels +FAILED +7 s +error: lost$", result.Out);
        Assert.Contains("0 steps well, 1 failed, 0 unfinished", result.Out);
        Assert.Contains("doctor: not run", result.Out);
    }

    /// <summary>PyTorch without a compiler: its other kinds are timed, and the next call goes on with the rounds that there are.</summary>
    [Fact]
    public void AKindOfPyTorchThatFailsIsLeftOutAndRoundsAdd()
    {
        using var at = new Workspace();
        var environment = Peer(at);
        string python = at.At("peer", "python3");
        File.SetUnixFileMode(python, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(python, File.ReadAllText(python).Replace("  case $line in", "  case $line in\n    compiled*) echo 'failed: no compiler' ;;", StringComparison.Ordinal));
        var result = Run(at, new(environment) { ["ROUNDS"] = "1" }, "peer");
        Assert.Equal(1, result.ExitCode);
        Assert.Matches(@"(?m)^peer/rounds +FAILED +[0-9]+ s +compiled-bf16-train: failed: no compiler$", result.Out);
        Assert.Matches(@"(?m)^fp32 over eager-bf16, denoising at batch 1: [0-9.]+ \([0-9.]+ to [0-9.]+ in 1 rounds\)$", result.Out);
        Assert.Contains("fp32 over compiled-bf16, training at batch 1: no round has both", result.Out);

        var more = Run(at, new(environment) { ["ROUNDS"] = "3" }, "peer");
        Assert.Equal(["1", "2", "3"], Rounds(at).Select(row => row.Round).Distinct());
        Assert.Matches(@"(?m)^fp32 over eager-bf16, denoising at batch 1: [0-9.]+ \([0-9.]+ to [0-9.]+ in 3 rounds\)$", more.Out);
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
    public void AFailingStepIsMarkedAndTheOthersRun()
    {
        using var at = new Workspace();
        var none = new Dictionary<string, string> { ["RAWDIFFUSION_CUDA_DRIVER"] = at.At("no-such-driver.so") };
        var result = Run(at, none);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal(["doctor/doctor", "losses/cpu", "bench/fp32-1"], Of(result, "well"));
        Assert.Equal(["op-cases/AgreesWithTheReference", "op-cases/others", "losses/compared", "losses/cuda", "kernels/kernels"], Of(result, "FAILED"));
        Assert.Contains("no-such-driver.so", result.Out);
        Assert.Contains("part peer is left out: PEER must name a folder", result.Error);
    }

    [Fact]
    public void AMissingProgramIsSaidAtOnce()
    {
        using var at = new Workspace();
        var result = Run(at, [], programs: "nowhere");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("there is no program nowhere/rawdiffusion: run benchmarks/gpu/publish.sh", result.Error);
    }

    [Fact]
    public void AnUnknownPartIsRefusedWithThoseThereAre()
    {
        using var at = new Workspace();
        var result = Run(at, [], "everything");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("usage: run.sh OUT [doctor|op-cases|losses|kernels|bench|peer|summary] [--dry-run]", result.Error);
        Assert.False(Directory.Exists(at.At("out")));
    }

    private static IEnumerable<string> Of(Result result, string verdict) =>
        result.Out.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(words => words.Length > 1 && words[1] == verdict).Select(words => words[0]);

    private static Result Run(Workspace at, Dictionary<string, string> environment, string? part = null, string? programs = null)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the script is for bash");
        var start = new ProcessStartInfo("bash", [Path.Combine(SharedFiles.RepositoryRoot, "benchmarks", "gpu", "run.sh"), "out", .. part is null ? (string[])[] : [part], "--dry-run"])
        {
            WorkingDirectory = at.Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["PROGRAMS"] = programs ?? Programs(at);
        // A slow machine must not fail; only what may hang has a limit.
        start.Environment["LIMIT"] = "3000";
        start.Environment.Remove("PEER");
        start.Environment.Remove("PYTHONPATH");
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }
        return new RunningProgram(Process.Start(start)!, 1_800_000).WaitForExit();
    }

    /// <summary>A folder in which the three programs stand side by side, as they do after a publish.</summary>
    private static string Programs(Workspace at)
    {
        string folder = at.At("programs");
        if (Directory.Exists(folder))
        {
            return folder;
        }
        Directory.CreateDirectory(folder);
        string built = Path.GetRelativePath(Path.Combine(SharedFiles.RepositoryRoot, "tests", "RawDiffusion.EndToEndTests"), AppContext.BaseDirectory);
        foreach (string program in (string[])["tests/RawDiffusion.EndToEndTests/rawdiffusion", "tests/RawDiffusion.CudaTests/RawDiffusion.CudaTests", "benchmarks/RawDiffusion.GpuBenchmarks/RawDiffusion.GpuBenchmarks"])
        {
            string project = Path.Combine(SharedFiles.RepositoryRoot, Path.GetDirectoryName(program)!), name = Path.GetFileName(program);
            File.CreateSymbolicLink(Path.Combine(folder, name), Path.Combine(project, built, name));
        }
        return folder;
    }
}
