using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    public override void Conv2d(Tensor x, Tensor w, Tensor? bias, Tensor? channelAdd, Tensor? residual, Tensor y, in ConvGeometry geometry) =>
        _convolution.Forward(
            geometry, Floats(x), Floats(w), Floats(y), FloatsOrNull(bias), FloatsOrNull(channelAdd), FloatsOrNull(residual), w.Version);

    /// <inheritdoc/>
    public override void Conv2dBackwardInput(Tensor dy, Tensor w, Tensor dx, bool accumulate, in ConvGeometry geometry) =>
        _convolution.BackwardInput(geometry, Floats(dy), Floats(w), Floats(dx), accumulate, w.Version);

    /// <inheritdoc/>
    public override void Conv2dBackwardWeight(Tensor x, Tensor dy, Tensor dw, Tensor? dbias, bool accumulate, in ConvGeometry geometry) =>
        _convolution.BackwardWeight(geometry, Floats(x), Floats(dy), Floats(dw), FloatsOrNull(dbias), accumulate);
}
