using RawDiffusion.Cuda;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.KernelTests;

/// <summary>
/// NVIDIA's own NVRTC, where it can be loaded: by <c>RAWDIFFUSION_NVRTC</c>, from the system, or from where <c>tools/install-nvrtc.sh</c>
/// puts it. These tests are a program of their own because the emulated compiler of the others takes NVRTC's place for a whole process.
/// </summary>
internal static class RealCompiler
{
    private static readonly Lazy<LibrarySearch> Search = new(() =>
    {
        string installed = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nvrtc", "usr", "lib", "x86_64-linux-gnu", "libnvrtc.so.12");
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(NativeLibraries.OverrideVariable(NativeLibraries.NvrtcName))) && File.Exists(installed))
        {
            NativeLibraries.Override(NativeLibraries.NvrtcName, installed);
        }
        return NativeLibraries.Find(NativeLibraries.NvrtcName);
    });

    /// <summary>A compiler for a chip; skips the test where there is no NVRTC, or one that does not know the chip.</summary>
    public static KernelCompiler For(string architecture, KernelCache? cache = null)
    {
        Assert.SkipWhen(Search.Value.Found is null, $"NVRTC is not here (tools/install-nvrtc.sh brings it): {Search.Value}");
        int capability = int.Parse(architecture["sm_".Length..].TrimEnd('a'));
        Assert.SkipUnless(KernelCompiler.SupportedCapabilities().Contains(capability), $"this NVRTC does not know {architecture}: it knows {string.Join(", ", KernelCompiler.SupportedCapabilities())}");
        return new KernelCompiler(architecture, cache);
    }
}
