using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using RawDiffusion.Cuda;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Testing;

/// <summary>
/// The emulated CUDA driver of <c>tests/emulated-driver</c>, built by g++ when first asked for and loaded in place of driver, NVRTC and
/// cuBLAS for the whole process. It is kept, by a digest of its sources, in the repository's <c>artifacts</c>, and so are the kernels
/// compiled by it, so that the second test run is fast. There is one of it in a process: tests that use it do not run in parallel.
/// </summary>
public static unsafe class EmulatedDriver
{
    private static readonly Lazy<string> Unavailable = new(FindReason);
    private static readonly Lazy<string> Library = new(Build);
    private static readonly Lazy<nint> Handle = new(() =>
    {
        foreach (string library in NativeLibraries.Names)
        {
            NativeLibraries.Override(library, Library.Value);
        }
        return NativeLibrary.Load(Library.Value);
    });

    /// <summary>Why there can be no emulated driver here; empty if there can.</summary>
    public static string ReasonToSkip => Unavailable.Value;

    /// <summary>The library's path, for a program that is started with <c>RAWDIFFUSION_CUDA_DRIVER</c> and its like set to it.</summary>
    public static string LibraryPath => Library.Value;

    /// <summary>Where tests keep compiled kernels.</summary>
    public static KernelCache Cache { get; } = new(Path.Combine(SharedFiles.RepositoryRoot, "artifacts", "kernels"));

    /// <summary>Has the emulated driver loaded and in its initial state: no faults ordered, counters at zero.</summary>
    public static void Start() => ((delegate* unmanaged<void>)Export("emuReset"))();

    /// <summary>The draw of the order in which blocks and threads run.</summary>
    public static void SetSeed(ulong seed) => ((delegate* unmanaged<ulong, void>)Export("emuSetSeed"))(seed);

    /// <summary>The simulated GPU's memory.</summary>
    public static void SetMemory(long bytes) => ((delegate* unmanaged<ulong, void>)Export("emuSetMemory"))((ulong)bytes);

    /// <summary>The simulated GPU's compute capability, for contexts opened from now on.</summary>
    public static void SetCapability(int major, int minor) => ((delegate* unmanaged<int, int, void>)Export("emuSetCapability"))(major, minor);

    /// <summary>How many multiprocessors the simulated GPU says it has, to contexts opened from now on: 4 if not set.</summary>
    public static void SetMultiprocessors(int count) => ((delegate* unmanaged<int, void>)Export("emuSetMultiprocessors"))(count);

    /// <summary>
    /// The CUDA version that the driver says it is for, to contexts opened from now on, as 1000·major + 10·minor: 12040 if not set. Before 12030
    /// nothing can be brought to the GPU, neither kernels nor those of matrix products, while a stream records a graph.
    /// </summary>
    public static void SetDriverVersion(int version) => ((delegate* unmanaged<int, void>)Export("emuSetDriverVersion"))(version);

    /// <summary>Has the driver know nothing of any kernel's parameters.</summary>
    public static void HideParameters() => ((delegate* unmanaged<void>)Export("emuHideParameters"))();

    /// <summary>
    /// The nth allocation from now, and count − 1 after it, find no memory: of device or pinned memory, or of what the driver makes there
    /// (streams, events, modules, instantiated graphs, cuBLAS handles).
    /// </summary>
    public static void FailAllocation(long n, long count = 1) => ((delegate* unmanaged<long, long, void>)Export("emuFailAllocation"))(n, count);

    /// <summary>The nth launch of a kernel or of anything from now fails with this driver code when it runs: 719, launch failed, if not given.</summary>
    public static void FailLaunch(long n, int code = 719, string? kernel = null)
    {
        fixed (byte* name = NullTerminated(kernel))
        {
            ((delegate* unmanaged<long, int, byte*, void>)Export("emuFailLaunch"))(n, code, name);
        }
    }

    /// <summary>Launches that ran, of one kernel or of all.</summary>
    public static long Launches(string? kernel = null)
    {
        fixed (byte* name = NullTerminated(kernel))
        {
            return ((delegate* unmanaged<byte*, long>)Export("emuLaunches"))(name);
        }
    }

    /// <summary>Kernels that were looked up for the first time, which brings them to the GPU.</summary>
    public static long Lookups() => ((delegate* unmanaged<long>)Export("emuLookups"))();

    /// <summary>Those of them that were looked up while a stream recorded a graph.</summary>
    public static long LookupsWhileRecording() => ((delegate* unmanaged<long>)Export("emuLookupsWhileRecording"))();

    /// <summary>Pieces of work in streams that have not run.</summary>
    public static long Pending() => ((delegate* unmanaged<long>)Export("emuPending"))();

    /// <summary>Allocations that were asked for, of all kinds that <see cref="FailAllocation"/> names.</summary>
    public static long Allocations() => ((delegate* unmanaged<long>)Export("emuAllocations"))();

    /// <summary>Blocks of device memory that are allocated.</summary>
    public static long LiveAllocations() => ((delegate* unmanaged<long>)Export("emuLiveAllocations"))();

    /// <summary>What the last context that was let go left behind; empty for nothing.</summary>
    public static string Leaks() => Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)Export("emuLeaks"))())!;

    /// <summary>How often the context is held.</summary>
    public static int Contexts() => ((delegate* unmanaged<int>)Export("emuContexts"))();

    private static byte[]? NullTerminated(string? text) => text is null ? null : Encoding.UTF8.GetBytes(text + '\0');

    private static nint Export(string name) => NativeLibrary.GetExport(Handle.Value, name);

    private static string FindReason()
    {
        if (!OperatingSystem.IsLinux())
        {
            return "the emulated CUDA driver needs Linux";
        }
        try
        {
            Run("g++", "--version");
            return "";
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return "the emulated CUDA driver needs g++, which is not installed (Debian: apt-get install g++)";
        }
    }

    private static string Build()
    {
        string sources = Path.Combine(SharedFiles.RepositoryRoot, "tests", "emulated-driver");
        string[] files = [.. Directory.GetFiles(sources, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(sources + Run("g++", "--version")));
        foreach (string file in files)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(file));
            hash.AppendData(File.ReadAllBytes(file));
        }
        string digest = Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
        string folder = Path.Combine(SharedFiles.RepositoryRoot, "artifacts", "emulated-driver"), name = $"libemulated-{digest}.so", path = Path.Combine(folder, name);
        if (File.Exists(path))
        {
            return path;
        }
        Directory.CreateDirectory(folder);
        string aside = Path.Combine(folder, $"{Guid.NewGuid():n}.tmp");
        // The number after the dot in NVRTC's version: kernels compiled by another emulator are then not taken for this one's.
        int number = int.Parse(digest[..7], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        Run("g++", [
            "-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden", $"-Wl,-soname,{name}",
            $"-DEMULATOR_FOLDER=\"{sources}\"", $"-DEMULATOR_SONAME=\"{name}\"", $"-DEMULATOR_LIBRARY_FOLDER=\"{folder}\"", $"-DEMULATOR_DIGEST={number}",
            Path.Combine(sources, "all.cpp"), "-o", aside, "-ldl"]);
        File.Move(aside, path, overwrite: true);
        return path;
    }

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{errors.Result}");
    }
}
