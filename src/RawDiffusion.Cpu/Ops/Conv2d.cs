using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    public override void Conv2d(Tensor x, Tensor w, Tensor? bias, Tensor? channelAdd, Tensor? residual, Tensor y, in ConvGeometry geometry) =>
        throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Conv2dBackwardInput(Tensor dy, Tensor w, Tensor dx, bool accumulate, in ConvGeometry geometry) =>
        throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Conv2dBackwardWeight(Tensor x, Tensor dy, Tensor dw, Tensor? dbias, bool accumulate, in ConvGeometry geometry) =>
        throw new NotSupportedException();
}
