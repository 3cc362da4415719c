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

    public override void ConcatChannels(Tensor a, Tensor b, Tensor y) => throw new NotImplementedException();

    public override void ConcatChannelsBackward(Tensor dy, Tensor? da, bool accumulateA, Tensor? db, bool accumulateB, int channelsA) => throw new NotImplementedException();

    public override void Conv2d(Tensor x, Tensor w, Tensor? bias, Tensor? channelAdd, Tensor? residual, Tensor y, in ConvGeometry geometry) => throw new NotImplementedException();

    public override void Conv2dBackwardInput(Tensor dy, Tensor w, Tensor dx, bool accumulate, in ConvGeometry geometry) => throw new NotImplementedException();

    public override void Conv2dBackwardWeight(Tensor x, Tensor dy, Tensor dw, Tensor? dbias, bool accumulate, in ConvGeometry geometry) => throw new NotImplementedException();

    public override void SumPositions(Tensor x, Tensor sum, bool accumulate) => throw new NotImplementedException();

    public override void Embedding(Tensor table, Tensor labels, Tensor y) => throw new NotImplementedException();

    public override void EmbeddingBackward(Tensor dy, Tensor labels, Tensor dtable, bool accumulate) => throw new NotImplementedException();

    public override void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y, Tensor mean, Tensor rstd, int groups, double eps, bool silu) => throw new NotImplementedException();

    public override void GroupNormBackward(
        Tensor dy, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor mean, Tensor rstd, Tensor? dx, bool accumulateX,
        Tensor dgamma, Tensor dbeta, bool accumulateParameters, Tensor? dScaleShift, bool accumulateScaleShift, int groups, bool silu) => throw new NotImplementedException();

    public override void Linear(Tensor x, Tensor w, Tensor? bias, Tensor? residual, Tensor y) => throw new NotImplementedException();

    public override void LinearBackwardInput(Tensor dy, Tensor w, Tensor dx, bool accumulate) => throw new NotImplementedException();

    public override void LinearBackwardWeight(Tensor x, Tensor dy, Tensor dw, Tensor? dbias, bool accumulate) => throw new NotImplementedException();

    public override void TimestepEmbedding(Tensor timesteps, Tensor y, bool flipSinToCos, double frequencyShift) => throw new NotImplementedException();

    public override void UpsampleNearest(Tensor x, Tensor y) => throw new NotImplementedException();

    public override void UpsampleNearestBackward(Tensor dy, Tensor dx, bool accumulate) => throw new NotImplementedException();
}
