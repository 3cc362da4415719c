using RawDiffusion.Core;
using RawDiffusion.Cuda;

namespace RawDiffusion.CudaTests;

/// <summary>
/// The CUDA device with the ops that have no kernels yet left out. An op that gets its kernels is sealed in <see cref="CudaDevice"/> and has
/// to be struck off here; when none is left, this class goes and <see cref="CudaDevice"/> becomes a sealed class.
/// </summary>
internal sealed class PartialCudaDevice(CudaOptions options) : CudaDevice(options)
{
    public override void Attention(Tensor q, Tensor k, Tensor v, Tensor y, Tensor probabilities, int heads) => throw new NotImplementedException();

    public override void AttentionBackward(Tensor dy, Tensor q, Tensor k, Tensor v, Tensor probabilities, Tensor dq, Tensor dk, Tensor dv, bool accumulate, int heads) => throw new NotImplementedException();

    public override void Conv2d(Tensor x, Tensor w, Tensor? bias, Tensor? channelAdd, Tensor? residual, Tensor y, in ConvGeometry geometry) => throw new NotImplementedException();

    public override void Conv2dBackwardInput(Tensor dy, Tensor w, Tensor dx, bool accumulate, in ConvGeometry geometry) => throw new NotImplementedException();

    public override void Conv2dBackwardWeight(Tensor x, Tensor dy, Tensor dw, Tensor? dbias, bool accumulate, in ConvGeometry geometry) => throw new NotImplementedException();

    public override void Linear(Tensor x, Tensor w, Tensor? bias, Tensor? residual, Tensor y) => throw new NotImplementedException();

    public override void LinearBackwardInput(Tensor dy, Tensor w, Tensor dx, bool accumulate) => throw new NotImplementedException();

    public override void LinearBackwardWeight(Tensor x, Tensor dy, Tensor dw, Tensor? dbias, bool accumulate) => throw new NotImplementedException();

}
