using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Trainer;

/// <summary>The one place that knows which devices there are.</summary>
internal static class DeviceChoice
{
    /// <summary>Opens the device that a configuration names.</summary>
    /// <exception cref="DeviceException">It is not there.</exception>
    public static Device Open(DeviceConfig config) => config.Name switch
    {
        "auto" or "cpu" => OpenCpu(config),
        // The CUDA device goes here; then auto prefers it, and says why where it falls back.
        _ => throw new DeviceException($"--device {config.Name} was asked for, but this build has no CUDA device yet. Use --device cpu, or auto, which is the default."),
    };

    private static CpuDevice OpenCpu(DeviceConfig config) => config.Precision is "auto" or "fp32"
        ? new CpuDevice(config.Threads)
        : throw new DeviceException($"--precision {config.Precision} was asked for, but the CPU computes in fp32. Use --precision fp32, or auto, which is the default.");
}
