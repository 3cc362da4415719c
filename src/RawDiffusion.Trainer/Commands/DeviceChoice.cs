using RawDiffusion.Core;
using RawDiffusion.Trainer.Terminal;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Trainer.Commands;

/// <summary>Opens devices for commands.</summary>
internal static class DeviceChoice
{
    /// <summary>Opens the device that a configuration names; where <c>auto</c> takes the CPU, it says why.</summary>
    /// <exception cref="ConfigurationException">There is no such name, or the threads are out of range.</exception>
    /// <exception cref="DeviceException">It is not there, or does not compute in this precision.</exception>
    public static Device Open(DeviceConfig config) => Open(config, Talk.Line);

    /// <summary>Opens the device that a configuration names.</summary>
    /// <param name="config">Name, precision, threads.</param>
    /// <param name="say">Told, in a line, why <c>auto</c> takes the CPU.</param>
    /// <inheritdoc cref="Open(DeviceConfig)"/>
    public static Device Open(DeviceConfig config, Action<string> say) =>
        Devices.Open(config, reason => say($"device: the CPU, because {reason} (rawdiffusion doctor tells more)"));

    /// <summary>Opens the device that options name; <c>auto</c>, and all threads, if they were not given.</summary>
    /// <inheritdoc cref="Open(DeviceConfig)"/>
    public static Device Open(string? name, int? threads = null) => Open(new DeviceConfig(), name, threads);

    /// <summary>Opens the device that options name, to compute as a configuration says otherwise.</summary>
    /// <param name="run">Name, precision, threads and graphs.</param>
    /// <param name="name">Another name; the configuration's own if not given.</param>
    /// <param name="threads">Other CPU threads; the configuration's own if not given.</param>
    /// <inheritdoc cref="Open(DeviceConfig)"/>
    public static Device Open(DeviceConfig run, string? name, int? threads = null) => Open(run with { Name = name ?? run.Name, Threads = threads ?? run.Threads });
}
