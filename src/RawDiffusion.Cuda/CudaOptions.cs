namespace RawDiffusion.Cuda;

/// <summary>How a CUDA device is opened.</summary>
public sealed record CudaOptions
{
    /// <summary>The driver's number of the GPU, from 0.</summary>
    public int Ordinal { get; init; }

    /// <summary>Where compiled kernels are kept; null keeps none.</summary>
    public KernelCache? Cache { get; init; } = KernelCache.Default();

    /// <summary>Compiles all kernels when the device is opened, in parallel, rather than each file when it is first needed.</summary>
    public bool CompileAhead { get; init; } = true;

    /// <summary>Rounds the factors of matrix products and convolutions to TF32 (10 bits of mantissa), for the tensor cores; they are strict float32 otherwise.</summary>
    public bool Tf32 { get; init; }

    /// <summary>
    /// Whether <see cref="CudaDevice.Record"/> makes a CUDA graph at the second launch and replays it; else it launches kernel by kernel, with the same results.
    /// </summary>
    public bool Graphs { get; init; } = true;

    /// <summary>Takes every tensor's memory from the driver in its very size: see <see cref="Core.BufferPool.Exact"/>. For tests.</summary>
    public bool ExactMemory { get; init; }
}
