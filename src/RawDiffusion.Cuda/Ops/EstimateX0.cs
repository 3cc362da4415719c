using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel EstimateX0Kernel => field ??= Kernel("sampling", "estimate_x0");

    /// <inheritdoc/>
    protected override void EstimateX0Core(Tensor x, Tensor output, Tensor coefficients, Tensor x0) =>
        LaunchOver(EstimateX0Kernel, x.Shape.Count, perThread: 4, x0, x, output, coefficients, x.Shape.Count);
}
