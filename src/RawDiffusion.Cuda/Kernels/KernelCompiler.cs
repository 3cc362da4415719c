using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using RawDiffusion.Core;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Cuda;

/// <summary>
/// Compiles kernel sources with NVRTC to machine code for one chip; needs neither GPU nor driver. What was compiled before, by this or
/// another process, comes from a <see cref="KernelCache"/>.
/// </summary>
public sealed unsafe class KernelCompiler
{
    private readonly KernelCache? _cache;
    private readonly string[] _options;
    private long _compileTicks;
    private int _compiled;

    /// <summary>A compiler for a chip.</summary>
    /// <param name="architecture">NVRTC's target: <c>sm_90a</c>.</param>
    /// <param name="cache">Where compiled code is kept; null compiles every time.</param>
    /// <exception cref="DeviceException">NVRTC was not found, or does not know the chip.</exception>
    public KernelCompiler(string architecture, KernelCache? cache)
    {
        NativeLibraries.Require(NativeLibraries.NvrtcName);
        Check(Nvrtc.nvrtcVersion(out int major, out int minor), "nvrtcVersion");
        (Architecture, Version, _cache) = (architecture, $"{major}.{minor}", cache);
        int capability = int.Parse(architecture["sm_".Length..].TrimEnd('a', 'f'), CultureInfo.InvariantCulture);
        if (!SupportedCapabilities().Contains(capability))
        {
            throw new DeviceException(
                $"NVRTC {Version} ({NativeLibraries.Find(NativeLibraries.NvrtcName).Found}) does not know {architecture}: it knows {string.Join(", ", SupportedCapabilities())}. " +
                "Install an NVRTC as new as the GPU; the driver must be as new as it.");
        }
        _options = [$"--gpu-architecture={architecture}", "--std=c++17", "--generate-line-info", "--ptxas-options=-v"];
    }

    /// <summary>The target.</summary>
    public string Architecture { get; }

    /// <summary>NVRTC's version.</summary>
    public string Version { get; }

    /// <summary>How many sources were really compiled, not taken from the cache.</summary>
    public int Compiled => _compiled;

    /// <summary>Seconds spent in NVRTC, summed over threads.</summary>
    public double CompileSeconds => (double)_compileTicks / Stopwatch.Frequency;

    /// <summary>The compute capabilities that the NVRTC found can compile for, as 10·major + minor.</summary>
    /// <exception cref="DeviceException">NVRTC was not found.</exception>
    public static IReadOnlyList<int> SupportedCapabilities()
    {
        NativeLibraries.Require(NativeLibraries.NvrtcName);
        Check(Nvrtc.nvrtcGetNumSupportedArchs(out int count), "nvrtcGetNumSupportedArchs");
        int[] capabilities = new int[count];
        fixed (int* first = capabilities)
        {
            Check(Nvrtc.nvrtcGetSupportedArchs(first), "nvrtcGetSupportedArchs");
        }
        return capabilities;
    }

    /// <summary>Machine code for a source, from the cache or compiled now. May be called on several threads at once.</summary>
    /// <exception cref="DeviceException">The source does not compile: the message has the compiler's log, the options and the source with line numbers.</exception>
    public CompiledKernels Compile(KernelSource source)
    {
        var key = KernelKey.Of(source, _options, Version, Architecture);
        if (_cache?.TryRead(key) is { } cached)
        {
            return cached;
        }
        long start = Stopwatch.GetTimestamp();
        var compiled = CompileNow(source);
        Interlocked.Add(ref _compileTicks, Stopwatch.GetTimestamp() - start);
        Interlocked.Increment(ref _compiled);
        _cache?.Write(key, compiled);
        return compiled;
    }

    /// <summary>Compiles every source of this assembly, in parallel.</summary>
    public IReadOnlyList<CompiledKernels> CompileAll()
    {
        var compiled = new CompiledKernels[KernelSources.All.Count];
        try
        {
            Parallel.For(0, compiled.Length, i => compiled[i] = Compile(KernelSources.All[i]));
        }
        catch (AggregateException e) when (e.InnerExceptions[0] is DeviceException first)
        {
            throw new DeviceException(first.Message, first);
        }
        return compiled;
    }

    private CompiledKernels CompileNow(KernelSource source)
    {
        using var text = new NativeStrings(source.Text, source.Name + ".cu");
        using var headers = new NativeStrings([.. source.Headers.Select(h => h.Value)]);
        using var includeNames = new NativeStrings([.. source.Headers.Select(h => h.Key)]);
        using var options = new NativeStrings(_options);
        Check(Nvrtc.nvrtcCreateProgram(out nint program, text.Pointers[0], text.Pointers[1], source.Headers.Count, headers.Pointers, includeNames.Pointers), "nvrtcCreateProgram");
        try
        {
            var result = Nvrtc.nvrtcCompileProgram(program, _options.Length, options.Pointers);
            string log = Log(program);
            if (result != NvrtcResult.Success)
            {
                throw new DeviceException(
                    $"kernels/{source.Name}.cu does not compile ({Marshal.PtrToStringUTF8((nint)Nvrtc.nvrtcGetErrorString(result))}) with NVRTC {Version} and the " +
                    $"options {string.Join(' ', _options)}:\n{log}\n{Numbered(source.Text)}");
            }
            Check(Nvrtc.nvrtcGetCUBINSize(program, out nuint bytes), "nvrtcGetCUBINSize");
            byte[] image = new byte[(int)bytes];
            fixed (byte* first = image)
            {
                Check(Nvrtc.nvrtcGetCUBIN(program, first), "nvrtcGetCUBIN");
            }
            return new CompiledKernels(source.Name, Architecture, image, log);
        }
        finally
        {
            _ = Nvrtc.nvrtcDestroyProgram(ref program);
        }
    }

    private static string Log(nint program)
    {
        Check(Nvrtc.nvrtcGetProgramLogSize(program, out nuint bytes), "nvrtcGetProgramLogSize");
        byte[] log = new byte[(int)bytes];
        fixed (byte* first = log)
        {
            Check(Nvrtc.nvrtcGetProgramLog(program, first), "nvrtcGetProgramLog");
        }
        return Encoding.UTF8.GetString(log).TrimEnd('\0', '\n');
    }

    private static string Numbered(string text) =>
        string.Join('\n', text.ReplaceLineEndings("\n").Split('\n').Select((line, i) => $"{i + 1,5} | {line}"));

    private static void Check(NvrtcResult result, string call)
    {
        if (result != NvrtcResult.Success)
        {
            throw new DeviceException($"{call} failed: {Marshal.PtrToStringUTF8((nint)Nvrtc.nvrtcGetErrorString(result))}. Is the library whole, with its builtins " +
                $"beside it? It is {NativeLibraries.Find(NativeLibraries.NvrtcName).Found}.");
        }
    }
}
