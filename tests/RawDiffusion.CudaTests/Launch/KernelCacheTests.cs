using System.Diagnostics;
using RawDiffusion.Core;
using RawDiffusion.Cuda;

namespace RawDiffusion.CudaTests;

public sealed class KernelCacheTests : IDisposable
{
    private const string FolderVariable = "RAWDIFFUSION_TEST_CACHE_FOLDER";

    private readonly string _folder = Directory.CreateTempSubdirectory("kernel-cache-").FullName;

    // Small, so that compiling it takes little.
    private static readonly KernelSource Source = new("tiny", "#include \"common.cuh\"\nKERNEL tiny(int* x) { *x = 1; }\n", [KeyValuePair.Create("common.cuh", KernelSources.All[0].Headers.Single(h => h.Key == "common.cuh").Value)]);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AWarmCacheCompilesNothing()
    {
        TestGpu.RequireEmulated();
        var cold = new KernelCompiler("sm_90a", new KernelCache(_folder));
        byte[] image = cold.Compile(Source).Image;
        var warm = new KernelCompiler("sm_90a", new KernelCache(_folder));
        Assert.Equal(image, warm.Compile(Source).Image);
        Assert.Equal((1, 0), (cold.Compiled, warm.Compiled));
        Assert.Equal(0, warm.CompileSeconds);
    }

    [Fact]
    public void ADeviceCanCompileEverythingWhenItIsOpened()
    {
        TestGpu.RequireEmulated();
        for (int expected = KernelSources.All.Count; ; expected = 0)
        {
            using var device = new CudaDevice(new CudaOptions { Cache = new KernelCache(_folder) });
            Assert.Equal(expected, device.Compiler.Compiled);
            using Tensor x = new Tensor(device, new Shape(1)).Upload([2f]), y = new Tensor(device, new Shape(1));
            device.LinearCombination(2, x, 0, null, y);
            Assert.Equal([4f], y.ToArray());
            if (expected == 0)
            {
                break;
            }
        }
    }

    [Fact]
    public void SourceHeadersAndChipMakeAnotherEntry()
    {
        TestGpu.RequireEmulated();
        var compiler = new KernelCompiler("sm_90a", new KernelCache(_folder));
        compiler.Compile(Source);
        compiler.Compile(Source with { Text = Source.Text + "\n" });
        compiler.Compile(Source with { Headers = [KeyValuePair.Create("common.cuh", Source.Headers[0].Value + "\n")] });
        var other = new KernelCompiler("sm_80", new KernelCache(_folder));
        other.Compile(Source);
        Assert.Equal((3, 1), (compiler.Compiled, other.Compiled));
        Assert.Equal(4, Directory.GetFiles(_folder).Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(20)]
    [InlineData(-1)]
    [InlineData(-1000)]
    public void AFlippedByteIsSeenAndTheEntryReplaced(int at)
    {
        TestGpu.RequireEmulated();
        byte[] image = new KernelCompiler("sm_90a", new KernelCache(_folder)).Compile(Source).Image;
        string entry = Assert.Single(Directory.GetFiles(_folder));
        byte[] bytes = File.ReadAllBytes(entry);
        bytes[at < 0 ? bytes.Length + at : at] ^= 1;
        File.WriteAllBytes(entry, bytes);
        var compiler = new KernelCompiler("sm_90a", new KernelCache(_folder));
        Assert.Equal(image.Length, compiler.Compile(Source).Image.Length);
        Assert.Equal(1, compiler.Compiled);
        Assert.Equal(0, Recompiled());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(100)]
    public void ATruncatedEntryIsSeenAndReplaced(int length)
    {
        TestGpu.RequireEmulated();
        new KernelCompiler("sm_90a", new KernelCache(_folder)).Compile(Source);
        using (var entry = File.OpenWrite(Assert.Single(Directory.GetFiles(_folder))))
        {
            entry.SetLength(length);
        }
        Assert.Equal(1, Recompiled());
        Assert.Equal(0, Recompiled());
    }

    [Fact]
    public void ManyMayCompileTheSameAtOnce()
    {
        TestGpu.RequireEmulated();
        byte[][] images = new byte[4][];
        Parallel.For(0, images.Length, i => images[i] = new KernelCompiler("sm_90a", new KernelCache(_folder)).Compile(Source).Image);
        Assert.All(images, image => Assert.Equal(images[0].Length, image.Length));
        Assert.Single(Directory.GetFiles(_folder));
        Assert.Equal(0, Recompiled());
    }

    [Fact]
    public async Task TwoProcessesMayCompileTheSameAtOnce()
    {
        TestGpu.RequireEmulated();
        var processes = Enumerable.Range(0, 2).Select(_ =>
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!, ["--filter-method", $"*.{nameof(CompilesForAnotherProcess)}"]) { RedirectStandardOutput = true };
            start.Environment[FolderVariable] = _folder;
            return Process.Start(start)!;
        }).ToList();
        foreach (var process in processes)
        {
            string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 0, output);
            process.Dispose();
        }
        Assert.Single(Directory.GetFiles(_folder));
        Assert.Equal(0, Recompiled());
    }

    /// <summary>What the other processes do.</summary>
    [Fact]
    public void CompilesForAnotherProcess()
    {
        string? folder = Environment.GetEnvironmentVariable(FolderVariable);
        Assert.SkipWhen(folder is null, "this is a part of another test");
        TestGpu.RequireEmulated();
        Assert.NotEmpty(new KernelCompiler("sm_90a", new KernelCache(folder)).Compile(Source).Image);
    }

    [Fact]
    public void AFolderThatCannotBeWrittenToCostsOnlyTime()
    {
        TestGpu.RequireEmulated();
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        var compiler = new KernelCompiler("sm_90a", new KernelCache(Path.Combine(file, "kernels")));
        Assert.NotEmpty(compiler.Compile(Source).Image);
    }

    [Fact]
    public void AFailedCompilationShowsLogOptionsAndNumberedSource()
    {
        TestGpu.RequireEmulated();
        var failure = Assert.Throws<DeviceException>(() => new KernelCompiler("sm_90a", null).Compile(Source with { Text = "#include \"common.cuh\"\nKERNEL broken(int* x) { *x = nonsense; }\n" }));
        Assert.Contains("kernels/tiny.cu does not compile", failure.Message);
        Assert.Contains("--gpu-architecture=sm_90a", failure.Message);
        Assert.Contains("nonsense", failure.Message);
        Assert.Contains("    2 | KERNEL broken(int* x) { *x = nonsense; }", failure.Message);
    }

    [Fact]
    public void AnUnknownChipIsNamed()
    {
        TestGpu.RequireEmulated();
        Assert.Contains("does not know sm_77: it knows 75, 80", Assert.Throws<DeviceException>(() => new KernelCompiler("sm_77", null)).Message);
    }

    /// <summary>Name and chip stand in the entry's name, too; the rest only in the digest.</summary>
    [Fact]
    public void EverythingThatACompilationDependsOnMakesAnotherKey()
    {
        string[] options = ["--one", "--two"];
        var ab = Source with { Headers = [KeyValuePair.Create("a.cuh", "b")] };
        string[] digests =
        [
            Digest(ab, options, "12.4", "sm_80"),
            Digest(ab with { Name = "other" }, options, "12.4", "sm_80"),
            Digest(ab with { Text = "other" }, options, "12.4", "sm_80"),
            Digest(ab with { Headers = [KeyValuePair.Create("c.cuh", "b")] }, options, "12.4", "sm_80"),
            Digest(ab with { Headers = [KeyValuePair.Create("a.cuh", "c")] }, options, "12.4", "sm_80"),
            Digest(ab with { Headers = [KeyValuePair.Create("a.cu", "hb")] }, options, "12.4", "sm_80"),
            Digest(ab, ["--one", "--three"], "12.4", "sm_80"),
            Digest(ab, ["--two", "--one"], "12.4", "sm_80"),
            Digest(ab, ["--one--two"], "12.4", "sm_80"),
            Digest(ab, options, "12.5", "sm_80"),
            Digest(ab, options, "12.4", "sm_90a"),
        ];
        Assert.Equal(digests.Length, digests.Distinct().Count());
        Assert.Equal(digests[0], Digest(ab, [.. options], "12.4", "sm_80"));

        static string Digest(KernelSource source, string[] options, string version, string architecture) => KernelKey.Of(source, options, version, architecture).Digest;
    }

    [Fact]
    public void AnEntryUnderAnothersNameIsNotTaken()
    {
        var cache = new KernelCache(_folder);
        KernelKey key = KernelKey.Of(Source, [], "12.4", "sm_80"), other = KernelKey.Of(Source, [], "12.5", "sm_80");
        cache.Write(key, new CompiledKernels(Source.Name, "sm_80", [1, 2, 3], "log"));
        Assert.Equal([1, 2, 3], cache.TryRead(key)!.Image);
        File.Copy(cache.PathOf(key), cache.PathOf(other));
        Assert.Null(cache.TryRead(other));
    }

    [Fact]
    public void AnEntryThatCannotBePutInPlaceLeavesNothingBehind()
    {
        var cache = new KernelCache(_folder);
        var key = KernelKey.Of(Source, [], "12.4", "sm_80");
        Directory.CreateDirectory(cache.PathOf(key));
        cache.Write(key, new CompiledKernels(Source.Name, "sm_80", [1, 2, 3], "log"));
        Assert.Empty(Directory.GetFiles(_folder));
        Assert.Null(cache.TryRead(key));
    }

    private int Recompiled()
    {
        var compiler = new KernelCompiler("sm_90a", new KernelCache(_folder));
        compiler.Compile(Source);
        return compiler.Compiled;
    }
}
