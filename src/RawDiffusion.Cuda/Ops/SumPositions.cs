using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel SumPositionsKernel => field ??= Kernel("sum_positions", "sum_positions");

    /// <inheritdoc/>
    protected override void SumPositionsCore(Tensor x, Sink sum)
    {
        const int channelsOfBlock = 32;
        Launch(SumPositionsKernel, grid: ((int)CeilingDivide(x.Shape.C, channelsOfBlock), x.Shape.N), block: 256, 0, sum.Tensor, x, x.Shape.Positions, x.Shape.C, sum.Accumulate);
    }
}
