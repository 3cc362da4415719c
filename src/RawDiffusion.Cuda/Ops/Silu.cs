using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel SiluForward => field ??= Kernel("elementwise", "silu_forward");

    private CudaKernel SiluBackwardKernel => field ??= Kernel("elementwise", "silu_backward");

    /// <inheritdoc/>
    protected override void SiluCore(Tensor x, Tensor y) =>
        LaunchOver(SiluForward, x.Shape.Count, perThread: 4, y, x, x.Shape.Count);

    /// <inheritdoc/>
    protected override void SiluBackwardCore(Tensor dy, Tensor x, Sink dx) =>
        LaunchOver(SiluBackwardKernel, x.Shape.Count, perThread: 4, dx.Tensor, dy, x, x.Shape.Count, dx.Accumulate);
}
