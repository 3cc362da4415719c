using System.Text.Json;
using RawDiffusion.Cases;
using RawDiffusion.Images;
using RawDiffusion.Storage;
using RawDiffusion.Testing;

namespace RawDiffusion.EndToEndTests;

/// <summary>The executable with <c>--device cuda</c> on the emulated driver: what users of a GPU run, but for the GPU.</summary>
public sealed class EmulatedCudaTests
{
    private static readonly string[] Small =
    [
        "--batch", "2", "--sample-every", "0", "--set", "network.channels=[8,16]", "--set", "network.norm_groups=4", "--set", "network.attention_levels=[1]",
        "--set", "sampling.count=1", "--set", "sampling.steps=2", "--set", "log_every=1", "--set", "data.resize=8",
    ];

    [Fact]
    public void TrainingAndSamplingAgreeWithTheCpu()
    {
        Assert.SkipWhen(EmulatedDriver.ReasonToSkip.Length > 0, EmulatedDriver.ReasonToSkip);
        using var at = new Workspace();
        TinyMnist.Write(at, "data");
        string[] run = ["train", "--data", "data", "--preset", "mnist", "--steps", "3", .. Small];
        at.Run([.. run, "--out", "cpu", "--device", "cpu"]).Succeeded();
        var cuda = at.Start(Emulated(), [.. run, "--out", "cuda", "--device", "cuda"]).WaitForExit(600_000).Succeeded();
        Assert.Contains("parameters on CUDA", cuda.Error);

        double[] onCpu = Losses(at, "cpu"), onCuda = Losses(at, "cuda");
        Assert.Equal(3, onCuda.Length);
        Assert.All(onCpu.Zip(onCuda), pair => Assert.Equal(pair.First, pair.Second, 1e-4 * pair.First));
        AssertSamePicture(at.At("cpu", "samples", "step-0000003.png"), at.At("cuda", "samples", "step-0000003.png"));

        // Kernel by kernel instead of as graphs: the same bits, in the checkpoint and in the picture.
        at.Start(Emulated(), [.. run, "--out", "single", "--device", "cuda", "--set", "device.graphs=false"]).WaitForExit(600_000).Succeeded();
        foreach (string file in (string[])["checkpoints/step-0000003/weights.safetensors", "checkpoints/step-0000003/ema.safetensors", "checkpoints/step-0000003/optimizer.safetensors", "samples/step-0000003.png"])
        {
            Assert.Equal(File.ReadAllBytes(at.At("cuda", file)), File.ReadAllBytes(at.At("single", file)));
        }
    }

    /// <summary>With a driver that brings no kernel to the GPU while a step is recorded.</summary>
    [Fact]
    public void Tf32TrainsAlmostAlike()
    {
        Assert.SkipWhen(EmulatedDriver.ReasonToSkip.Length > 0, EmulatedDriver.ReasonToSkip);
        using var at = new Workspace();
        string[] run = ["train", "--steps", "3", .. Small];
        at.Run([.. run, "--out", "cpu", "--device", "cpu"]).Succeeded();
        at.Start(Emulated(("EMULATED_DRIVER_VERSION", "12020")), [.. run, "--out", "tf32", "--device", "cuda", "--precision", "tf32"]).WaitForExit(600_000).Succeeded();
        double[] onCpu = Losses(at, "cpu"), onCuda = Losses(at, "tf32");
        Assert.All(onCpu.Zip(onCuda), pair => Assert.Equal(pair.First, pair.Second, 1e-2 * pair.First));
        // Float32's rounding alone moves a norm by a millionth.
        Assert.Contains(Logged(at, "cpu", "grad_norm").Zip(Logged(at, "tf32", "grad_norm")), pair => Math.Abs(pair.First - pair.Second) > 1e-5 * pair.First);
    }

    /// <summary>40 = 20 + resume 20 holds on a GPU as on the CPU; samples and predictions agree with the CPU's.</summary>
    [Fact]
    public void ResumeSampleAndPredictRunOnTheGpu()
    {
        Assert.SkipWhen(EmulatedDriver.ReasonToSkip.Length > 0, EmulatedDriver.ReasonToSkip);
        using var at = new Workspace();
        Result Cuda(params string[] arguments) => at.Start(Emulated(), [.. arguments, "--device", "cuda"]).WaitForExit(600_000).Succeeded();
        Cuda(["train", "--steps", "4", .. Small, "--out", "whole"]);
        Cuda(["train", "--steps", "2", .. Small, "--out", "halves"]);
        Cuda("resume", "halves", "--steps", "4");
        foreach (string file in (string[])["weights.safetensors", "ema.safetensors", "optimizer.safetensors"])
        {
            Assert.Equal(File.ReadAllBytes(at.At("whole", "checkpoints", "step-0000004", file)), File.ReadAllBytes(at.At("halves", "checkpoints", "step-0000004", file)));
        }

        string[] sample = ["sample", "whole", "--count", "3", "--sampler", "ddpm", "--steps", "3"];
        Cuda([.. sample, "--out", "cuda.png"]);
        at.Run([.. sample, "--out", "cpu.png", "--device", "cpu"]).Succeeded();
        AssertSamePicture(at.At("cpu.png"), at.At("cuda.png"));

        using (var file = File.Create(at.At("in.safetensors")))
        {
            float[] images = [.. Enumerable.Range(0, 2 * 3 * 8 * 8).Select(i => MathF.Sin(i))];
            SafetensorsWriter.Write(file,
            [
                TensorSource.Floats("sample", [2, 3, 8, 8], (ReadOnlyMemory<float>)images), TensorSource.Int64("timestep", [2], new long[] { 0, 999 }),
                TensorSource.Int64("class_labels", [2], new long[] { 7, 8 }),
            ]);
        }
        string[] predict = ["predict", "whole", "--input", "in.safetensors", "--output"];
        Cuda([.. predict, "cuda.safetensors"]);
        at.Run([.. predict, "cpu.safetensors", "--device", "cpu"]).Succeeded();
        using SafetensorsReader onCpu = SafetensorsReader.Open(at.At("cpu.safetensors")), onCuda = SafetensorsReader.Open(at.At("cuda.safetensors"));
        float[] expected = onCpu.ReadFloats("output"), found = onCuda.ReadFloats("output");
        Assert.Equal(2 * 3 * 8 * 8, found.Length);
        double scale = expected.Max(Math.Abs);
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-4 * scale));
    }

    [Fact]
    public void DoctorRunsEveryOpAndTrainsAStepOnTheGpu()
    {
        Assert.SkipWhen(EmulatedDriver.ReasonToSkip.Length > 0, EmulatedDriver.ReasonToSkip);
        using var at = new Workspace();
        var doctor = at.Start(Emulated(), "doctor").WaitForExit(600_000).Succeeded();
        Assert.Contains("a training step on it", doctor.Out);
        int ops = OpCases.All.Select(opCase => opCase.Op).Distinct().Count();
        Assert.Equal(ops, doctor.Out.Split('\n').Count(line => line.Contains(", allowed ") && line.EndsWith("   well", StringComparison.Ordinal)));
        Assert.DoesNotContain("WRONG", doctor.Out);
        Assert.Contains("as on the CPU", doctor.Out);
    }

    /// <summary>The third update of the weights fails: two steps are saved, and the CPU goes on from there.</summary>
    [Fact]
    public void ALostGpuLeavesACheckpointToResumeFrom()
    {
        Assert.SkipWhen(EmulatedDriver.ReasonToSkip.Length > 0, EmulatedDriver.ReasonToSkip);
        using var at = new Workspace();
        TinyMnist.Write(at, "data");
        string[] run = ["train", "--data", "data", "--preset", "mnist", "--steps", "4", "--save-every", "1", .. Small];
        at.Start(Emulated(("EMULATED_FAIL_LAUNCH", "3:adam_step")), [.. run, "--out", "run", "--device", "cuda"]).WaitForExit(600_000)
            .Refused(4, "CUDA_ERROR_LAUNCH_FAILED", "kernel adam_step, as ordered", "the last checkpoint is valid: resume from it");
        Assert.Equal(["step-0000001", "step-0000002"], Directory.GetDirectories(at.At("run", "checkpoints")).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        at.Run("resume", "run", "--device", "cpu").Succeeded();
        at.Run([.. run, "--out", "cpu", "--device", "cpu"]).Succeeded();
        double[] resumed = Losses(at, "run"), straight = Losses(at, "cpu");
        Assert.Equal(4, resumed.Length);
        Assert.All(straight.Zip(resumed), pair => Assert.Equal(pair.First, pair.Second, 1e-4 * pair.First));
    }

    [Fact]
    public void AGpuWithTooLittleMemorySaysWhoTookIt()
    {
        Assert.SkipWhen(EmulatedDriver.ReasonToSkip.Length > 0, EmulatedDriver.ReasonToSkip);
        using var at = new Workspace();
        TinyMnist.Write(at, "data");
        string[] run = ["train", "--data", "data", "--preset", "mnist", "--steps", "1", .. Small, "--out", "run", "--device", "cuda"];
        at.Start(Emulated(("EMULATED_MEMORY", $"{5 << 20}")), run).WaitForExit(600_000)
            .Refused(4, "Out of memory: ", "The largest: the cuBLAS workspace 4.0 MiB, ", "are free on the device", "Use a smaller batch or a smaller network");
    }

    /// <summary>The environment in which the executable finds the emulated driver, with what that is told to do.</summary>
    internal static Dictionary<string, string> Emulated(params (string Name, string Value)[] orders) => new(orders.Select(order => KeyValuePair.Create(order.Name, order.Value)))
    {
        ["RAWDIFFUSION_CUDA_DRIVER"] = EmulatedDriver.LibraryPath,
        ["RAWDIFFUSION_NVRTC"] = EmulatedDriver.LibraryPath,
        ["RAWDIFFUSION_CUBLAS"] = EmulatedDriver.LibraryPath,
        ["RAWDIFFUSION_CACHE"] = Path.Combine(SharedFiles.RepositoryRoot, "artifacts", "kernels"),
    };

    // Rounding to bytes may fall either way.
    private static void AssertSamePicture(string onCpu, string onCuda)
    {
        byte[] expected = ImageDecoder.Default.Decode(File.ReadAllBytes(onCpu)).Pixels, found = ImageDecoder.Default.Decode(File.ReadAllBytes(onCuda)).Pixels;
        Assert.Equal(expected.Length, found.Length);
        Assert.All(expected.Zip(found), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
    }

    private static double[] Losses(Workspace at, string run) => Logged(at, run, "loss");

    private static double[] Logged(Workspace at, string run, string field) =>
        [.. File.ReadAllLines(at.At(run, "metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement.GetProperty(field).GetDouble())];
}
