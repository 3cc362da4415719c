using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.CudaTests;

public class NativeLibrariesTests
{
    [Fact]
    public void ALibraryThatIsNotThereIsExplainedWithAllThatWasTried()
    {
        using var folder = new TemporaryFolder();
        string broken = Path.Combine(folder.Path, "libcuda.so.1");
        File.WriteAllText(broken, "not a library");
        var search = LibrarySearch.Run(NativeLibraries.DriverName, ["libnowhere.so.1", "libnowhere.so", broken]);
        Assert.Equal(0, search.Handle);
        string message = search.Explain();
        Assert.Contains("The library 'cuda' was not found", message);
        Assert.Contains("or use the CPU", message);
        Assert.Contains("RAWDIFFUSION_CUDA_DRIVER", message);
        Assert.Contains($"Tried, in this order: libnowhere.so.1, libnowhere.so, {broken} (is there, but does not load: ", message);
    }

    [Theory]
    [InlineData("cuda", "libcuda.so.1")]
    [InlineData("nvrtc", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so")]
    [InlineData("cublas", "libcublas.so.13", "libcublas.so.12", "libcublas.so")]
    public void VersionedNamesComeFirst(string library, params string[] names)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "these are the names on Linux");
        using var unset = new EnvironmentVariable(NativeLibraries.OverrideVariable(library), null);
        Assert.Equal(names, LibraryCandidates.For(library, null).Take(names.Length));
    }

    [Fact]
    public void TheDriversVersionComesFirst()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "these are the names on Linux");
        using var unset = new EnvironmentVariable("RAWDIFFUSION_NVRTC", null);
        Assert.Equal(["libnvrtc.so.12", "libnvrtc.so.13", "libnvrtc.so"], LibraryCandidates.For(NativeLibraries.NvrtcName, null, driverMajor: 12).Take(3));
    }

    [Fact]
    public void TheEnvironmentNamesTheOnlyCandidate()
    {
        using var variable = new EnvironmentVariable("RAWDIFFUSION_NVRTC", "/some/where/libnvrtc.so");
        Assert.Equal(["/some/where/libnvrtc.so"], LibraryCandidates.For(NativeLibraries.NvrtcName, null));
        Assert.Equal(["the program's"], LibraryCandidates.For(NativeLibraries.NvrtcName, "the program's"));
    }

    [Fact]
    public void TheFoldersOfPipsWheelsAreSearched()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "wheels have other folders elsewhere");
        using var folder = new TemporaryFolder();
        string wheel = Directory.CreateDirectory(Path.Combine(folder.Path, "lib", "python3.12", "site-packages", "nvidia", "cuda_nvrtc", "lib")).FullName;
        string library = Path.Combine(wheel, "libnvrtc.so.12");
        File.WriteAllText(library, "");
        using var unset = new EnvironmentVariable("RAWDIFFUSION_NVRTC", null);
        using var environment = new EnvironmentVariable("VIRTUAL_ENV", folder.Path);
        var candidates = LibraryCandidates.For(NativeLibraries.NvrtcName, null).ToList();
        Assert.Contains(library, candidates);
        Assert.Equal(["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"], candidates.Take(3));
    }

    /// <summary>As benchmarks/gpu/run.sh exports it for the Python at hand: a folder a library up to CUDA 12, one for all of them from 13 on.</summary>
    [Theory]
    [InlineData("nvrtc", "libnvrtc.so.12", "cuda_nvrtc")]
    [InlineData("nvrtc", "libnvrtc.so.13", "cu13")]
    [InlineData("cublas", "libcublas.so.12", "cublas")]
    [InlineData("cublas", "libcublas.so.13", "cu13")]
    public void TheSitePackagesInPythonPathAreSearched(string library, string name, string wheel)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "wheels have other folders elsewhere");
        using var folder = new TemporaryFolder();
        string[] sites = [.. ((string[])["empty", "site-packages"]).Select(site => Directory.CreateDirectory(Path.Combine(folder.Path, site)).FullName)];
        foreach (string other in (string[])["cuda_nvrtc", "cublas", "cu13", "cudnn"])
        {
            Directory.CreateDirectory(Path.Combine(sites[1], "nvidia", other, "lib"));
        }
        string path = Path.Combine(sites[1], "nvidia", wheel, "lib", name);
        File.WriteAllText(path, "");
        using var unset = new EnvironmentVariable(NativeLibraries.OverrideVariable(library), null);
        using var environment = new EnvironmentVariable("PYTHONPATH", string.Join(':', sites));
        Assert.Equal([path], LibraryCandidates.For(library, null).Where(candidate => candidate.StartsWith(folder.Path, StringComparison.Ordinal)));
    }

    private sealed class EnvironmentVariable : IDisposable
    {
        private readonly string _name;
        private readonly string? _former;

        public EnvironmentVariable(string name, string? value)
        {
            (_name, _former) = (name, Environment.GetEnvironmentVariable(name));
            Environment.SetEnvironmentVariable(name, value);
        }

        public void Dispose() => Environment.SetEnvironmentVariable(_name, _former);
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("native-libraries-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
