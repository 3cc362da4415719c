using System.Reflection;
using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Testing;

namespace RawDiffusion.KernelTests;

/// <summary>Every kernel, compiled by NVIDIA's own compiler for every chip that is meant.</summary>
public class KernelCompilationTests
{
    private static readonly string[] Architectures = ["sm_80", "sm_90a", "sm_120a"];

    public static TheoryData<string, string> FilesOnChips => new(from source in KernelSources.All from architecture in Architectures select (source.Name, architecture));

    public static TheoryData<string, string> OtherFilesOnChips =>
        new(from name in Assembly.GetExecutingAssembly().GetManifestResourceNames() where name.EndsWith(".cu", StringComparison.Ordinal) from architecture in Architectures select (name[..^3], architecture));

    [Theory]
    [MemberData(nameof(FilesOnChips))]
    public void CompilesAndUsesWhatTheTableSays(string file, string architecture)
    {
        var compiler = RealCompiler.For(architecture);
        var source = KernelSources.Get(file);
        var compiled = compiler.Compile(source);
        var resources = compiled.Resources();
        Assert.Equal(KernelCount.In(source), resources.Count);
        Assert.Equal(resources.Select(r => r.Kernel).Order(StringComparer.Ordinal), compiled.Kernels().Order(StringComparer.Ordinal));
        var table = ResourceTable.Of(file);
        if (ResourceTable.Recording)
        {
            table.Record(compiler.Version, architecture, resources);
        }
        // A GPU has 65,536 registers for a block. What needs more than 64 must say how many threads it will have, and the compiler keeps to that.
        bool isBounded = source.Text.Contains("__launch_bounds__", StringComparison.Ordinal);
        Assert.All(resources, r => Assert.True(r.Registers <= 64 || isBounded, $"too many registers for a block of 1024 threads: {r}"));
        const string hint = "if that is meant, run the tests with RAWDIFFUSION_RECORD_KERNELS=1";
        foreach (var r in resources)
        {
            string row = ResourceTable.Row(r, architecture);
            if (!table.Rows.TryGetValue((r.Kernel, architecture), out string? recorded))
            {
                Assert.True(table.Version != compiler.Version, $"Resources/{file}.txt has no line for this kernel; {hint}:\n{row}");
                Assert.True(r.SpillStoreBytes == 0, $"spills, unlike any recorded kernel: {row}");
            }
            else if (table.Version == compiler.Version)
            {
                Assert.True(row == recorded, $"NVRTC {compiler.Version} says, and Resources/{file}.txt recorded; {hint}:\n{row}\n{recorded}");
            }
        }
        int recordedHere = table.Rows.Keys.Count(k => k.Architecture == architecture);
        Assert.True(table.Version != compiler.Version || recordedHere == resources.Count, $"Resources/{file}.txt has {recordedHere} kernels for {architecture}, the file has {resources.Count}; {hint}");
    }

    [Theory]
    [MemberData(nameof(OtherFilesOnChips))]
    public void TheKernelsOfTestsAndBenchmarksAreCuda(string file, string architecture)
    {
        var compiler = RealCompiler.For(architecture);
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(file + ".cu")!);
        var resources = compiler.Compile(new KernelSource(file, reader.ReadToEnd(), KernelSources.All[0].Headers)).Resources();
        Assert.NotEmpty(resources);
        Assert.All(resources, r => Assert.True(r.SpillStoreBytes == 0, $"spills: {r}"));
    }

    [Fact]
    public void AFailedCompilationShowsLogOptionsAndNumberedSource()
    {
        var compiler = RealCompiler.For("sm_80");
        var failure = Assert.Throws<DeviceException>(() => compiler.Compile(new KernelSource("broken", "\nextern \"C\" __global__ void k(int* x) { *x = nonsense; }\n", [])));
        Assert.Contains("kernels/broken.cu does not compile (NVRTC_ERROR_COMPILATION)", failure.Message);
        Assert.Contains("--gpu-architecture=sm_80", failure.Message);
        Assert.Contains("identifier \"nonsense\" is undefined", failure.Message);
        Assert.Contains("    2 | extern \"C\" __global__ void k(int* x) { *x = nonsense; }", failure.Message);
    }

    [Fact]
    public void AWarmCacheSpendsNoTimeInCompilation()
    {
        string folder = Directory.CreateTempSubdirectory("kernel-cache-").FullName;
        try
        {
            var cold = RealCompiler.For("sm_90a", new KernelCache(folder));
            var compiled = cold.CompileAll();
            Assert.Equal(KernelSources.All.Count, cold.Compiled);
            var warm = RealCompiler.For("sm_90a", new KernelCache(folder));
            Assert.Equal(compiled.Select(c => c.Log), warm.CompileAll().Select(c => c.Log));
            Assert.Equal((0, 0.0), (warm.Compiled, warm.CompileSeconds));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
