using System.Text;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Cuda;

/// <summary>What the driver says of a GPU.</summary>
public sealed record CudaProperties
{
    /// <summary>The driver's number of the GPU, from 0.</summary>
    public required int Ordinal { get; init; }

    /// <summary>The product: <c>NVIDIA H200</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The compute capability's first number: 9 for Hopper.</summary>
    public required int Major { get; init; }

    /// <summary>The compute capability's second number.</summary>
    public required int Minor { get; init; }

    /// <summary>Streaming multiprocessors.</summary>
    public required int Multiprocessors { get; init; }

    /// <summary>The memory's size in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>The level-2 cache in bytes.</summary>
    public required int L2Bytes { get; init; }

    /// <summary>The most shared memory that a block can ask for, in bytes.</summary>
    public required int SharedBytesPerBlock { get; init; }

    /// <summary>The CUDA version that the driver supports, as 1000·major + 10·minor.</summary>
    public required int DriverVersion { get; init; }

    /// <summary>The same as it is written: <c>12.4</c>.</summary>
    public string CudaVersion => $"{DriverVersion / 1000}.{DriverVersion % 1000 / 10}";

    /// <summary>Whether the driver can bring a kernel to the GPU while a stream of the context records a graph: since CUDA 12.3.</summary>
    public bool LoadsWhileRecording => DriverVersion >= 12030;

    /// <summary>The target that kernels are compiled for: <c>sm_80</c>, <c>sm_90a</c> (Hopper's own instructions need the a).</summary>
    public string Architecture => Target(Major, Minor);

    /// <summary>The NVRTC target of a compute capability.</summary>
    public static string Target(int major, int minor) => $"sm_{major}{minor}{(major >= 9 ? "a" : "")}";

    /// <inheritdoc/>
    public override string ToString() =>
        $"CUDA, {Name}, {Architecture}, {Multiprocessors} SMs, {MemoryBytes / 1073741824.0:0.0} GiB, driver for CUDA {CudaVersion}";

    internal static unsafe CudaProperties Read(CudaContext context, int ordinal, int device)
    {
        const int longest = 256;
        byte* name = stackalloc byte[longest];
        context.Check(CudaDriver.cuDeviceGetName(name, longest, device), "cuDeviceGetName");
        context.Check(CudaDriver.cuDeviceTotalMem(out nuint bytes, device), "cuDeviceTotalMem");
        context.Check(CudaDriver.cuDriverGetVersion(out int version), "cuDriverGetVersion");
        int Attribute(CuDeviceAttribute attribute)
        {
            context.Check(CudaDriver.cuDeviceGetAttribute(out int value, attribute, device), $"cuDeviceGetAttribute({attribute})");
            return value;
        }
        return new CudaProperties
        {
            Ordinal = ordinal,
            Name = Encoding.UTF8.GetString(new ReadOnlySpan<byte>(name, longest)).Split('\0')[0],
            Major = Attribute(CuDeviceAttribute.ComputeCapabilityMajor),
            Minor = Attribute(CuDeviceAttribute.ComputeCapabilityMinor),
            Multiprocessors = Attribute(CuDeviceAttribute.MultiprocessorCount),
            MemoryBytes = (long)bytes,
            L2Bytes = Attribute(CuDeviceAttribute.L2CacheSize),
            SharedBytesPerBlock = Attribute(CuDeviceAttribute.MaxSharedMemoryPerBlockOptin),
            DriverVersion = version,
        };
    }
}
