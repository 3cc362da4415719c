using System.Globalization;
using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Cuda;
using RawDiffusion.Cuda.Driver;
using RawDiffusion.Trainer.Terminal;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Trainer.Commands;

/// <summary>The one place that knows which devices there are.</summary>
internal static class DeviceChoice
{
    /// <summary>Opens the device that a configuration names; <c>auto</c> takes the first GPU, or says why it takes the CPU.</summary>
    /// <exception cref="DeviceException">It is not there, or does not compute in this precision.</exception>
    public static Device Open(DeviceConfig config) => config.Name switch
    {
        "auto" => OpenAuto(config),
        "cpu" => OpenCpu(config),
        _ => OpenCuda(config),
    };

    /// <summary>Opens the device that options describe.</summary>
    /// <param name="name">Its name; <c>auto</c> if it was not given.</param>
    /// <param name="threads">CPU threads; all if not given.</param>
    /// <exception cref="ConfigurationException">There is no such name, or the threads are out of range.</exception>
    /// <exception cref="DeviceException">It is not there.</exception>
    public static Device Open(string? name, int? threads = null) => Open(new DeviceConfig(), name ?? "auto", threads);

    /// <summary>Opens the device that options describe, to compute as a configuration says otherwise.</summary>
    /// <param name="run">Name, precision, threads and graphs.</param>
    /// <param name="name">Another name; the configuration's own if not given.</param>
    /// <param name="threads">Other CPU threads; the configuration's own if not given.</param>
    /// <exception cref="ConfigurationException">There is no such name, or the threads are out of range.</exception>
    /// <exception cref="DeviceException">It is not there, or does not compute in this precision.</exception>
    public static Device Open(DeviceConfig run, string? name, int? threads = null)
    {
        var config = run with { Name = name ?? run.Name, Threads = threads ?? run.Threads };
        var problems = RunConfigValidation.Problems(new RunConfig { Device = config });
        return problems.Count == 0 ? Open(config) : throw RunConfigJson.Failure(problems);
    }

    private static Device OpenAuto(DeviceConfig config)
    {
        // Looking for the driver alone keeps the start quick on machines that have none.
        if (NativeLibraries.Find("cuda") is { Found: null } search)
        {
            if (config.Precision is Precision.Tf32 or Precision.Bf16)
            {
                throw new DeviceException($"--precision {NamedEnum<Precision>.NameOf(config.Precision)} needs a GPU. {search.Explain()}");
            }
            Talk.Line("device: the CPU, because there is no CUDA driver here (rawdiffusion doctor lists where it was looked for)");
            return OpenCpu(config);
        }
        try
        {
            return OpenCuda(config);
        }
        catch (DeviceException e) when (config.Precision is Precision.Auto or Precision.Fp32)
        {
            Talk.Line($"device: the CPU, because CUDA cannot be used: {e.Message}");
            return OpenCpu(config);
        }
    }

    private static CpuDevice OpenCpu(DeviceConfig config) => config.Precision is Precision.Auto or Precision.Fp32
        ? new CpuDevice(config.Threads)
        : throw new DeviceException($"--precision {NamedEnum<Precision>.NameOf(config.Precision)} was asked for, but the CPU computes in fp32. Use --precision fp32, or auto, which is the default.");

    private static CudaDevice OpenCuda(DeviceConfig config)
    {
        if (config.Precision == Precision.Bf16)
        {
            throw new DeviceException("--precision bf16 was asked for, but the CUDA device computes in fp32 and tf32 so far. Use one of these, or auto.");
        }
        int colon = config.Name.IndexOf(':', StringComparison.Ordinal);
        return new CudaDevice(new CudaOptions
        {
            Ordinal = colon < 0 ? 0 : int.Parse(config.Name.AsSpan(colon + 1), CultureInfo.InvariantCulture),
            Tf32 = config.Precision == Precision.Tf32,
            Graphs = config.Graphs,
        });
    }
}
