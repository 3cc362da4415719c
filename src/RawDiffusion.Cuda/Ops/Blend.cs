using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel BlendKernel => field ??= Kernel("elementwise", "blend");

    /// <inheritdoc/>
    protected override void BlendCore(Tensor mask, Tensor a, Tensor b, Tensor y) =>
        LaunchOver(BlendKernel, mask.Shape.Count, perThread: 4, y, mask, a, b, mask.Shape.Count);
}
