using System.Globalization;
using System.Runtime.InteropServices;

namespace RawDiffusion.Cuda.Driver;

/// <summary>The names and paths under which a library is looked for, in order.</summary>
internal static class LibraryCandidates
{
    /// <summary>All candidates for a library.</summary>
    /// <param name="library">One of <see cref="NativeLibraries.Names"/>.</param>
    /// <param name="chosen">A file that the program itself demands, or null. If one is demanded, here or by the environment, no other is tried.</param>
    /// <param name="driverMajor">The CUDA version of the driver, 0 if unknown: a library of a later version may make what the driver cannot load.</param>
    public static IEnumerable<string> For(string library, string? chosen, int driverMajor = 0)
    {
        chosen ??= Environment.GetEnvironmentVariable(NativeLibraries.OverrideVariable(library));
        if (!string.IsNullOrEmpty(chosen))
        {
            return [chosen];
        }
        bool windows = RuntimeInformation.IsOSPlatform(OSPlatform.Windows);
        string[] names = windows ? WindowsNames(library) : UnixNames(library);
        names = [.. names.OrderBy(name => driverMajor == 0 || name.Contains(driverMajor.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal) ? 0 : 1)];
        return names.Concat(Folders(windows).SelectMany(folder => names.Select(name => Path.Combine(folder, name))).Where(File.Exists).Distinct());
    }

    private static string[] UnixNames(string library) => library switch
    {
        NativeLibraries.DriverName => ["libcuda.so.1", "libcuda.so"],
        NativeLibraries.NvrtcName => ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"],
        _ => ["libcublas.so.13", "libcublas.so.12", "libcublas.so"],
    };

    private static string[] WindowsNames(string library) => library switch
    {
        NativeLibraries.DriverName => ["nvcuda.dll"],
        NativeLibraries.NvrtcName => ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll"],
        _ => ["cublas64_13.dll", "cublas64_12.dll"],
    };

    private static IEnumerable<string> Folders(bool windows)
    {
        foreach (string variable in (string[])["CUDA_HOME", "CUDA_PATH"])
        {
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } home)
            {
                foreach (string folder in (string[])["lib64", "lib", "bin", "bin/x64"])
                {
                    yield return Path.Combine(home, folder);
                }
            }
        }
        if (!windows)
        {
            foreach (string home in Children("/usr/local", "cuda*").OrderDescending(StringComparer.Ordinal))
            {
                yield return Path.Combine(home, "lib64");
                yield return Path.Combine(home, RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "targets/sbsa-linux/lib" : "targets/x86_64-linux/lib");
            }
            yield return "/usr/local/nvidia/lib64";
            yield return "/usr/lib/wsl/lib";
        }
        foreach (string site in SitePackages(windows))
        {
            foreach (string wheel in Children(Path.Combine(site, "nvidia"), "*").OrderDescending(StringComparer.Ordinal))
            {
                yield return Path.Combine(wheel, windows ? "bin" : "lib");
            }
        }
    }

    private static IEnumerable<string> SitePackages(bool windows)
    {
        foreach (string entry in (Environment.GetEnvironmentVariable("PYTHONPATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            yield return entry;
        }
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string?[] prefixes = [Environment.GetEnvironmentVariable("VIRTUAL_ENV"), Environment.GetEnvironmentVariable("CONDA_PREFIX"), Path.Combine(home, ".local"),
            "/usr/local", "/usr", "/opt/conda", "/opt/venv"];
        foreach (string prefix in prefixes.OfType<string>().Where(p => p.Length > 0))
        {
            if (windows)
            {
                yield return Path.Combine(prefix, "Lib", "site-packages");
                continue;
            }
            foreach (string python in Children(Path.Combine(prefix, "lib"), "python3*").OrderDescending(StringComparer.Ordinal))
            {
                yield return Path.Combine(python, "site-packages");
                yield return Path.Combine(python, "dist-packages");
            }
        }
    }

    private static IEnumerable<string> Children(string folder, string pattern)
    {
        try
        {
            return Directory.Exists(folder) ? Directory.GetDirectories(folder, pattern) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
