using System.Runtime.InteropServices;

namespace RawDiffusion.Cuda.Driver;

/// <summary>What came of looking for a library.</summary>
/// <param name="Library">Which.</param>
/// <param name="Handle">The loaded library; 0 if none was found.</param>
/// <param name="Found">The name or path that was loaded.</param>
/// <param name="Tried">All names and paths tried, in order, each with what came of it.</param>
public sealed record LibrarySearch(string Library, nint Handle, string? Found, IReadOnlyList<string> Tried)
{
    /// <summary>Tries candidates until one loads.</summary>
    internal static LibrarySearch Run(string library, IEnumerable<string> candidates)
    {
        var tried = new List<string>();
        foreach (string candidate in candidates)
        {
            LoadCompanions(library, candidate);
            try
            {
                nint handle = NativeLibrary.Load(candidate);
                tried.Add($"{candidate} (loaded)");
                return new LibrarySearch(library, handle, candidate, tried);
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
            {
                tried.Add(File.Exists(candidate) ? $"{candidate} (is there, but does not load: {FirstLine(e.Message)})" : candidate);
            }
        }
        return new LibrarySearch(library, 0, null, tried);
    }

    /// <summary>The failure as a message: what the library is, how to get it, what was tried.</summary>
    public string Explain()
    {
        string remedy = Library switch
        {
            NativeLibraries.DriverName => "It comes with NVIDIA's display driver: install that, or use the CPU.",
            NativeLibraries.NvrtcName => "It comes with the CUDA toolkit, Debian's libnvrtc12, or pip's nvidia-cuda-nvrtc: install one of these.",
            _ => "It comes with the CUDA toolkit, Debian's libcublas12, or pip's nvidia-cublas: install one of these.",
        };
        return $"The library '{Library}' was not found. {remedy} {NativeLibraries.OverrideVariable(Library)} can name the file. Tried, in this order: {string.Join(", ", Tried)}.";
    }

    /// <inheritdoc/>
    public override string ToString() => Found is null ? Explain() : $"{Library}: {Found}";

    // NVRTC opens its builtins, and cuBLAS its Lt library, by bare name, which the system's search does not find beside a library that was
    // loaded by path: a copy that is already in the process is what they then get.
    private static void LoadCompanions(string library, string candidate)
    {
        string? folder = Path.GetDirectoryName(candidate);
        if (library != NativeLibraries.DriverName && !string.IsNullOrEmpty(folder) && File.Exists(candidate))
        {
            foreach (string companion in Directory.GetFiles(folder, library == NativeLibraries.NvrtcName ? "libnvrtc-builtins.so.*" : "libcublasLt.so.*"))
            {
                NativeLibrary.TryLoad(companion, out _);
            }
        }
    }

    private static string FirstLine(string text) => text.ReplaceLineEndings("\n").Split('\n')[0];
}
