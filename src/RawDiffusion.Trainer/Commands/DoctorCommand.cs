using System.CommandLine;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Cuda.Driver;
using RawDiffusion.Trainer.Terminal;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Trainer.Commands;

/// <summary><c>rawdiffusion doctor</c>.</summary>
internal static class DoctorCommand
{
    private static readonly Option<bool> Json = Parameters.Json("Print one line of JSON with the same rows, and whether all is well.");

    private static List<JsonNode?>? _rows;

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("doctor", "Says what this machine has, checks that it computes rightly, and ends with 0 if all is well.");
        command.Options.Add(Json);
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parse)
    {
        _rows = parse.GetValue(Json) ? [] : null;
        int failed = Look();
        if (_rows is not null)
        {
            Console.WriteLine(new JsonObject { ["well"] = failed == 0, ["failed"] = failed, ["rows"] = new JsonArray([.. _rows]) }.ToJsonString());
        }
        return failed == 0 ? 0 : throw new DeviceException(
            $"{Talk.Count(failed, "check")} failed, see above. This machine or this build computes wrongly; do not trust what it trains.");
    }

    /// <summary>Looks at everything, and returns the number of failures.</summary>
    private static int Look()
    {
        Row("system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}");
        Row(".NET", RuntimeInformation.FrameworkDescription);
        Row("processor", $"{ProcessorName()}, {Environment.ProcessorCount} logical");
        Row("instructions", string.Join(" ", Instructions()));
        Row("memory", Talk.Bytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));
        foreach (var (format, answer) in SelfCheck.Formats())
        {
            Row($"{format} images", answer);
        }
        using var device = DeviceChoice.Open(new DeviceConfig { Name = "cpu" });
        Row("device", device.Description);
        int failed = 0;
        foreach (var (name, check) in SelfCheck.All)
        {
            string? problem = check(device);
            Row(name, problem ?? "well");
            failed += problem is null ? 0 : 1;
        }
        return failed + Cuda(device);
    }

    /// <summary>Looks for CUDA and, where there is a driver, runs every op and a training step on the GPU and on the CPU; returns the number of failures.</summary>
    private static int Cuda(Device cpu)
    {
        foreach (string library in NativeLibraries.Names)
        {
            Row($"library {library}", NativeLibraries.Find(library).ToString());
        }
        if (NativeLibraries.Find("cuda").Found is null)
        {
            return 0;
        }
        try
        {
            using var cuda = new CudaDevice(new CudaOptions());
            Row("device", cuda.Description);
            var (free, total) = cuda.MemoryInfo();
            Row("GPU memory", $"{Talk.Bytes(free)} free of {Talk.Bytes(total)}");
            Row("kernels", $"{KernelSources.All.Count} files: {cuda.Compiler.Compiled} compiled in {cuda.Compiler.CompileSeconds:0.00} s, the others from the cache");
            int failed = 0;
            foreach (var verdict in KernelCheck.Compare(cuda, cpu))
            {
                Row($"  {verdict.Op}", verdict.ToString());
                failed += verdict.IsWell ? 0 : 1;
            }
            string? problem = SelfCheck.SameStep(cuda, cpu);
            Row("a training step on it", problem ?? "as on the CPU");
            return failed + (problem is null ? 0 : 1);
        }
        catch (DeviceException e)
        {
            Row("CUDA", e.Message);
            return 1;
        }
    }

    private static void Row(string name, string value)
    {
        if (_rows is null)
        {
            Console.WriteLine($"{name,-34} {value}");
        }
        else
        {
            _rows.Add(new JsonObject { ["name"] = name.Trim(), ["value"] = value });
        }
    }

    private static string ProcessorName()
    {
        const string Key = "model name";
        try
        {
            string? line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal));
            return line is null ? RuntimeInformation.ProcessArchitecture.ToString() : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return RuntimeInformation.ProcessArchitecture.ToString();
        }
    }

    private static IEnumerable<string> Instructions() => new (string Name, bool There)[]
    {
        ("SSE4.2", Sse42.IsSupported),
        ("AVX", Avx.IsSupported),
        ("AVX2", Avx2.IsSupported),
        ("FMA", Fma.IsSupported),
        ("AVX-512", Avx512F.IsSupported),
        ("AdvSimd", AdvSimd.IsSupported),
        ($"(vectors of {(Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128)} bits in use)", true),
    }.Where(set => set.There).Select(set => set.Name);
}
