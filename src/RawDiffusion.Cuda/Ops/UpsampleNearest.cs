using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel UpsampleNearestForward => field ??= Kernel("upsample_nearest", "upsample_nearest");

    private CudaKernel UpsampleNearestBackwardKernel => field ??= Kernel("upsample_nearest", "upsample_nearest_backward");

    /// <inheritdoc/>
    protected override void UpsampleNearestCore(Tensor x, Tensor y) =>
        LaunchOver(UpsampleNearestForward, x.Shape.Count, PerThread(x, y), y, x, (uint)x.Shape.Rows, x.Shape[2], x.Shape.C);

    /// <inheritdoc/>
    protected override void UpsampleNearestBackwardCore(Tensor dy, Sink dx)
    {
        var x = dx.Tensor!;
        LaunchOver(UpsampleNearestBackwardKernel, x.Shape.Count, PerThread(x, dy), x, dy, (uint)x.Shape.Rows, x.Shape[2], x.Shape.C, dx.Accumulate);
    }

    // As the kernels decide.
    private static int PerThread(Tensor a, Tensor b) => ((a.Address | b.Address) & 15) == 0 && a.Shape.C % 4 == 0 ? 4 : 1;
}
