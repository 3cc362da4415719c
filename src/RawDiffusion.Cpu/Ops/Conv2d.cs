using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void Conv2dCore(Tensor x, Tensor w, Tensor? bias, Tensor? channelAdd, Tensor? residual, Tensor y, in ConvGeometry geometry) =>
        _convolution.Forward(
            geometry, Floats(x), Floats(w), Floats(y), FloatsOrNull(bias), FloatsOrNull(channelAdd), FloatsOrNull(residual), WeightsIdentity.Of(w));

    /// <inheritdoc/>
    protected override void Conv2dBackwardInputCore(Tensor dy, Tensor w, Sink dx, in ConvGeometry geometry) =>
        _convolution.BackwardInput(geometry, Floats(dy), Floats(w), Floats(dx.Tensor!), dx.Accumulate, WeightsIdentity.Of(w));

    /// <inheritdoc/>
    protected override void Conv2dBackwardWeightCore(Tensor x, Tensor dy, Sink dw, Sink dbias, in ConvGeometry geometry) =>
        _convolution.BackwardWeight(geometry, Floats(x), Floats(dy), FloatsOrNull(dw.Tensor), dw.Accumulate, FloatsOrNull(dbias.Tensor), dbias.Accumulate);
}
