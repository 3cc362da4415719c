using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;
using RawDiffusion.Core;

namespace RawDiffusion.Cuda.Driver;

/// <summary>
/// Finds the three native libraries: each is tried by override, by versioned and plain name (the system's own search), then as a file in
/// CUDA's folders and in those of pip's CUDA wheels. What was found, once, holds for the whole process.
/// </summary>
public static class NativeLibraries
{
    internal const string DriverName = "cuda", NvrtcName = "nvrtc", CublasName = "cublas";

    private static readonly ConcurrentDictionary<string, string> Overrides = new();
    private static readonly ConcurrentDictionary<string, Lazy<LibrarySearch>> Searches = new();

    static NativeLibraries() =>
        NativeLibrary.SetDllImportResolver(Assembly.GetExecutingAssembly(), (name, _, _) => name is DriverName or NvrtcName or CublasName ? Require(name) : 0);

    /// <summary>The libraries, as <see cref="Find"/> knows them: driver, compiler, matrix products.</summary>
    public static IReadOnlyList<string> Names { get; } = [DriverName, NvrtcName, CublasName];

    /// <summary>The environment variable that names the file to load for a library, before anything else is tried.</summary>
    public static string OverrideVariable(string library) => library switch
    {
        DriverName => "RAWDIFFUSION_CUDA_DRIVER",
        NvrtcName => "RAWDIFFUSION_NVRTC",
        CublasName => "RAWDIFFUSION_CUBLAS",
        _ => throw new ArgumentOutOfRangeException(nameof(library), library, "not one of the libraries in use"),
    };

    /// <summary>Has a file loaded in place of a library. Comes too late once the library has been looked for.</summary>
    /// <exception cref="InvalidOperationException">The library has been looked for.</exception>
    public static void Override(string library, string path)
    {
        if (Searches.ContainsKey(library) && !(Overrides.TryGetValue(library, out string? former) && former == path))
        {
            throw new InvalidOperationException($"{library} cannot be overridden by {path}: the process has already looked for it ({Find(library)}).");
        }
        Overrides[library] = path;
    }

    /// <summary>Looks for a library, the first time; says from then on what came of it.</summary>
    public static LibrarySearch Find(string library) =>
        Searches.GetOrAdd(library, name => new Lazy<LibrarySearch>(
            () => LibrarySearch.Run(name, LibraryCandidates.For(name, Overrides.GetValueOrDefault(name), DriverMajor(name))))).Value;

    private static int DriverMajor(string library) =>
        library != DriverName && Find(DriverName).Handle != 0 && CudaDriver.cuDriverGetVersion(out int version) == CuResult.Success ? version / 1000 : 0;

    /// <summary>The handle of a library.</summary>
    /// <exception cref="DeviceException">It was not found; the message lists all that was tried.</exception>
    internal static nint Require(string library)
    {
        var search = Find(library);
        return search.Handle != 0 ? search.Handle : throw new DeviceException(search.Explain());
    }
}
