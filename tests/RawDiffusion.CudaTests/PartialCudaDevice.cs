using RawDiffusion.Core;
using RawDiffusion.Cuda;

namespace RawDiffusion.CudaTests;

/// <summary>
/// The CUDA device with the ops that have no kernels yet left out. An op that gets its kernels is sealed in <see cref="CudaDevice"/> and has
/// to be struck off here; when none is left, this class goes and <see cref="CudaDevice"/> becomes a sealed class.
/// </summary>
internal sealed class PartialCudaDevice(CudaOptions options) : CudaDevice(options)
{
    public override void ConcatChannels(Tensor a, Tensor b, Tensor y) => throw new NotImplementedException();

    public override void ConcatChannelsBackward(Tensor dy, Tensor? da, bool accumulateA, Tensor? db, bool accumulateB, int channelsA) => throw new NotImplementedException();

    public override void SumPositions(Tensor x, Tensor sum, bool accumulate) => throw new NotImplementedException();

    public override void Dropout(Tensor x, Tensor y, bool accumulate, double rate, in RandomStream stream) => throw new NotImplementedException();

    public override void Embedding(Tensor table, Tensor labels, Tensor y) => throw new NotImplementedException();

    public override void EmbeddingBackward(Tensor dy, Tensor labels, Tensor dtable, bool accumulate) => throw new NotImplementedException();

    public override void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y, Tensor mean, Tensor rstd, int groups, double eps, bool silu) => throw new NotImplementedException();

    public override void GroupNormBackward(
        Tensor dy, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor mean, Tensor rstd, Tensor? dx, bool accumulateX,
        Tensor dgamma, Tensor dbeta, bool accumulateParameters, Tensor? dScaleShift, bool accumulateScaleShift, int groups, bool silu) => throw new NotImplementedException();

    public override void MeanSquaredError(Tensor prediction, Tensor target, Tensor? weights, Tensor perSample, Tensor loss) => throw new NotImplementedException();

    public override void MeanSquaredErrorBackward(Tensor dloss, Tensor prediction, Tensor target, Tensor? weights, Tensor dprediction, bool accumulate) => throw new NotImplementedException();

    public override void FillNormal(Tensor y, in RandomStream stream) => throw new NotImplementedException();

    public override void AddNoise(Tensor x0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target) => throw new NotImplementedException();

    public override void DenoiseUpdate(Tensor x, Tensor output, Tensor? previousX0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor? x0, Tensor next) => throw new NotImplementedException();

    public override void PixelsToReal(Tensor pixels, Tensor y) => throw new NotImplementedException();

    public override void SumOfSquares(Tensor x, Tensor sum) => throw new NotImplementedException();

    public override void AdamStep(Tensor parameters, Tensor gradients, Tensor firstMoment, Tensor secondMoment, Tensor ema, Tensor gradientSumOfSquares, Tensor settings) => throw new NotImplementedException();

    public override void TimestepEmbedding(Tensor timesteps, Tensor y, bool flipSinToCos, double frequencyShift) => throw new NotImplementedException();

    public override void UpsampleNearest(Tensor x, Tensor y) => throw new NotImplementedException();

    public override void UpsampleNearestBackward(Tensor dy, Tensor dx, bool accumulate) => throw new NotImplementedException();
}
