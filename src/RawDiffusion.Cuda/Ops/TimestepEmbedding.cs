using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel TimestepEmbeddingKernel => field ??= Kernel("timestep_embedding", "timestep_embedding");

    /// <inheritdoc/>
    protected override void TimestepEmbeddingCore(Tensor timesteps, Tensor y, bool flipSinToCos, double frequencyShift)
    {
        int samples = timesteps.Shape.N, half = y.Shape.C / 2;
        LaunchOver(
            TimestepEmbeddingKernel, (long)samples * half, perThread: 1,
            y, timesteps, samples, half, Math.Log(10000) / (half - frequencyShift), flipSinToCos);
    }
}
