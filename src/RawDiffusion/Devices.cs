using System.Globalization;
using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Cuda;
using RawDiffusion.Cuda.Driver;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion;

/// <summary>Opens devices: the one place that knows which there are.</summary>
public static class Devices
{
    /// <summary>The first GPU if it can be used, else the CPU.</summary>
    /// <param name="notice">Told, in a sentence, why it is the CPU.</param>
    public static Device Best(Action<string>? notice = null) => Open(new DeviceConfig(), notice);

    /// <summary>The processor.</summary>
    /// <param name="threads">How many threads; 0 for one on each core.</param>
    public static Device Cpu(int threads = 0) => new CpuDevice(threads);

    /// <summary>The device that a configuration names; <c>auto</c> takes the first GPU if it can be used.</summary>
    /// <param name="config">Name, precision, threads.</param>
    /// <param name="notice">Told, in a sentence, why <c>auto</c> takes the CPU.</param>
    /// <exception cref="ConfigurationException">There is no such name.</exception>
    /// <exception cref="DeviceException">It is not there, or does not compute in this precision.</exception>
    public static Device Open(DeviceConfig config, Action<string>? notice = null)
    {
        var rules = new ConfigurationRules();
        config.Check(rules);
        if (rules.Problems.Count > 0)
        {
            throw RunConfigJson.Failure(rules.Problems);
        }
        return config.Name switch
        {
            "auto" => OpenAuto(config, notice),
            "cpu" => OpenCpu(config),
            _ => OpenCuda(config),
        };
    }

    private static Device OpenAuto(DeviceConfig config, Action<string>? notice)
    {
        // Looking for the driver alone keeps the start quick on machines that have none.
        if (NativeLibraries.Find("cuda") is { Found: null } search)
        {
            if (config.Precision is Precision.Tf32 or Precision.Bf16)
            {
                throw new DeviceException($"The precision {NamedEnum<Precision>.NameOf(config.Precision)} needs a GPU. {search.Explain()}");
            }
            notice?.Invoke("there is no CUDA driver here");
            return OpenCpu(config);
        }
        try
        {
            return OpenCuda(config);
        }
        catch (DeviceException e) when (config.Precision is Precision.Auto or Precision.Fp32)
        {
            notice?.Invoke($"CUDA cannot be used: {e.Message}");
            return OpenCpu(config);
        }
    }

    private static CpuDevice OpenCpu(DeviceConfig config) => config.Precision is Precision.Auto or Precision.Fp32
        ? new CpuDevice(config.Threads)
        : throw new DeviceException($"The precision {NamedEnum<Precision>.NameOf(config.Precision)} was asked for, but the CPU computes in fp32. Use fp32, or auto, " +
            "which is the default.");

    private static CudaDevice OpenCuda(DeviceConfig config)
    {
        if (config.Precision == Precision.Bf16)
        {
            throw new DeviceException("The precision bf16 was asked for, but the CUDA device computes in fp32 and tf32 so far. Use one of these, or auto.");
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
