using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel LinearCombinationKernel => field ??= Kernel("elementwise", "linear_combination");

    /// <inheritdoc/>
    protected override void LinearCombinationCore(double a, Tensor x, double b, Tensor? z, Tensor y) =>
        LaunchOver(LinearCombinationKernel, x.Shape.Count, perThread: 4, y, x, z, (float)a, (float)b, x.Shape.Count);
}
