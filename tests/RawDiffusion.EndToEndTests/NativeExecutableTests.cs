using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Text.RegularExpressions;
using RawDiffusion.Testing;

namespace RawDiffusion.EndToEndTests;

/// <summary>What <c>tools/publish.sh</c> makes: executables without .NET, and the script that starts the right one.</summary>
public sealed partial class NativeExecutableTests(TrainedRun trained)
{
    private const int MillisecondsToPublish = 900_000;

    private static readonly string[] Builds = ["x86-64-v4", "x86-64-v3", "portable"];

    /// <summary>One publish for all of it, since native compilation takes longer than the rest: bits of training and samples, what doctor says, and the GPU's libraries.</summary>
    [Fact]
    public void TheNativeExecutableTrainsAndSamplesToTheSameBits()
    {
        SkipWhereNothingIsPublished();
        // The vectors that the runtime would choose, so that both say the same of themselves.
        string? build = Vector512.IsHardwareAccelerated ? Builds[0] : Avx2.IsSupported && Fma.IsSupported ? Builds[1] : null;
        Assert.SkipWhen(build is null, "native executables are for processors with AVX2");
        using var at = new Workspace();
        Publish(at, build!);

        Result Native(params string[] arguments) => StartNative(at, build!, [], arguments).WaitForExit().Succeeded();
        Native(["train", "--out", "run", "--steps", $"{TrainedRun.Steps}", "--save-every", "10", "--sample-every", "20", .. Workspace.Tiny]);
        trained.AssertSameState(at, "run");
        string[] sample = ["sample", "run", "--count", "4", "--seed", "5", "--out"];
        Native([.. sample, "native.png"]);
        at.Run([.. sample, "jit.png"]).Succeeded();
        AssertSameFile(at, "jit.png", "native.png");
        Native("export", "run", "--out", "native");
        at.Run("export", "run", "--out", "jit").Succeeded();
        AssertSameFile(at, "jit/unet/config.json", "native/unet/config.json");
        AssertSameFile(at, "jit/model_index.json", "native/model_index.json");

        foreach (string kind in new[] { "jpg", "png", "webp", "tif" })
        {
            at.Write($"photos/{kind}.{kind}", File.ReadAllBytes(Path.Combine(StoredFiles.Folder("pictures"), $"o6.{kind}")));
        }
        Native(["train", "--data", "photos", "--steps", "1", "--out", "photos-run", .. Workspace.Tiny]);

        // Parquet.Net makes types as it runs; what is used of it does not.
        string[] parquet = ["train", "--data", Path.Combine(StoredFiles.Folder("sets"), "hub.parquet"), "--conditional", "--dry-run", "--device", "cpu"];
        Assert.Contains("6 RGB images of 8×8 in 3 classes", Native(parquet).Error);

        var noGpu = new Dictionary<string, string> { ["RAWDIFFUSION_CUDA_DRIVER"] = "no-such-driver.so", ["RAWDIFFUSION_NVRTC"] = "no-such-nvrtc.so", ["RAWDIFFUSION_CUBLAS"] = "no-such-cublas.so" };
        Assert.Equal(at.Start(noGpu, "doctor").WaitForExit().Succeeded().Out, StartNative(at, build!, noGpu, "doctor").WaitForExit().Succeeded().Out);
        if (EmulatedDriver.ReasonToSkip.Length == 0)
        {
            string[] train = ["train", "--steps", "1", "--device", "cuda", "--set", "data.resize=8", .. Workspace.Tiny];
            StartNative(at, build!, EmulatedCudaTests.Emulated(), [.. train, "--out", "native-cuda"]).WaitForExit(600_000).Succeeded();
            at.Start(EmulatedCudaTests.Emulated(), [.. train, "--out", "jit-cuda"]).WaitForExit(600_000).Succeeded();
            AssertSameFile(at, "jit-cuda/checkpoints/step-0000001/weights.safetensors", "native-cuda/checkpoints/step-0000001/weights.safetensors");
        }
    }

    [Fact]
    public void TheScriptStartsTheBuildThatTheProcessorCanRun()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64, "the executables are for Linux on x86-64");
        using var at = new Workspace();
        foreach (string build in Builds)
        {
            string program = at.Write($"{build}/rawdiffusion", System.Text.Encoding.ASCII.GetBytes($"#!/bin/sh\necho {build} \"$@\"\nexit 3\n"));
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }
        File.Copy(Path.Combine(SharedFiles.RepositoryRoot, "tools", "rawdiffusion"), at.At("rawdiffusion"));
        File.CreateSymbolicLink(at.At("link"), "rawdiffusion");

        bool hasV4 = Avx512F.IsSupported && Avx512BW.IsSupported && Avx512CD.IsSupported && Avx512DQ.IsSupported && Avx512F.VL.IsSupported;
        string expected = hasV4 ? Builds[0] : Avx2.IsSupported && Fma.IsSupported && Bmi2.IsSupported && Lzcnt.IsSupported ? Builds[1] : Builds[2];
        var started = at.StartOther("sh", [], at.At("link"), "train", "--out", "a b").WaitForExit();
        Assert.Equal((3, $"{expected} train --out a b\n"), (started.ExitCode, started.Out));
        var chosen = at.StartOther("sh", new() { ["RAWDIFFUSION_BUILD"] = "portable" }, at.At("rawdiffusion")).WaitForExit();
        Assert.Equal("portable\n", chosen.Out);
    }

    [Theory]
    [InlineData(new string[0], 2, "usage: publish.sh FOLDER")]
    [InlineData(new[] { "out", "x86-64-v5" }, 2, "there is no build 'x86-64-v5'; there are x86-64-v4, x86-64-v3 and portable")]
    public void WrongUsageOfPublishIsSaid(string[] arguments, int exitCode, string expected)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64, "the executables are for Linux on x86-64");
        using var at = new Workspace();
        var result = at.StartOther("bash", [], [Script, .. arguments]).WaitForExit();
        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains(expected, result.Error);
    }

    private static string Script => Path.Combine(SharedFiles.RepositoryRoot, "tools", "publish.sh");

    private static void SkipWhereNothingIsPublished()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64, "the executables are for Linux on x86-64");
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        bool Has(string program) => folders.Any(folder => File.Exists(Path.Combine(folder, program)));
        Assert.SkipUnless(Has("dotnet"), "there is no dotnet in PATH");
        Assert.SkipUnless(Has("clang") || Has("gcc"), "native compilation links with clang or gcc, and neither is in PATH");
    }

    private static void Publish(Workspace at, string build)
    {
        var published = at.StartOther("bash", [], Script, "out", build).WaitForExit(MillisecondsToPublish);
        var restore = RestoreError().Match(published.Out + published.Error);
        Assert.SkipWhen(published.ExitCode != 0 && restore.Success, $"the packages for native compilation do not restore: {restore.Value}");
        published.Succeeded();
        // What Parquet.Net is warned of is not reached: see the project of the executable, and the test.
        Assert.DoesNotMatch(@"(?<!Parquet\.dll : )warning IL[0-9]+", published.Out);
    }

    private static RunningProgram StartNative(Workspace at, string build, Dictionary<string, string> environment, params string[] arguments) =>
        at.StartOther(at.At("out", "rawdiffusion"), new(environment) { ["RAWDIFFUSION_BUILD"] = build }, arguments);

    private static void AssertSameFile(Workspace at, string expected, string found) =>
        Assert.True(File.ReadAllBytes(at.At(expected)).AsSpan().SequenceEqual(File.ReadAllBytes(at.At(found))), $"{found} differs from {expected}");

    [GeneratedRegex("error NU1[0-9]+: .*")]
    private static partial Regex RestoreError();
}
