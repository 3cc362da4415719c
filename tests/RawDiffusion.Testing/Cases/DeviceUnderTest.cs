using System.Runtime.Intrinsics;
using RawDiffusion.Core;
using RawDiffusion.Cpu;

namespace RawDiffusion.Testing;

/// <summary>A device configuration that has to pass every case: one line in <see cref="All"/> adds one.</summary>
/// <param name="Name">How test names show it.</param>
/// <param name="Create">Makes the device; whoever calls it disposes it.</param>
/// <param name="Precision">How exact its results can be.</param>
/// <param name="SameBitsAs">The configuration whose results these must be, bit for bit: another number of threads, say.</param>
public sealed record DeviceUnderTest(string Name, Func<Device> Create, Precision Precision, string? SameBitsAs = null)
{
    /// <summary>Every configuration.</summary>
    public static IReadOnlyList<DeviceUnderTest> All { get; } =
    [
        new("reference", () => new ReferenceDevice(), Precision.Float64),
        new("CPU×1", () => new CpuDevice(threads: 1), Precision.Float32),
        new("CPU×2", () => new CpuDevice(threads: 2), Precision.Float32, SameBitsAs: "CPU×1"),
        new("CPU×3", () => new CpuDevice(threads: 3), Precision.Float32, SameBitsAs: "CPU×1"),
        .. NarrowerVectors(),
    ];

    private static IEnumerable<DeviceUnderTest> NarrowerVectors()
    {
        yield return new("CPU×2,128-bit", () => new CpuDevice(threads: 2, InstructionSet.Vector128), Precision.Float32);
        if (Vector512.IsHardwareAccelerated)
        {
            yield return new("CPU×2,256-bit", () => new CpuDevice(threads: 2, InstructionSet.Vector256), Precision.Float32);
        }
    }

    /// <summary>The configuration of a name.</summary>
    public static DeviceUnderTest Named(string name) => All.Single(d => d.Name == name);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
