using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel MeanSquaredErrorPerSample => field ??= Kernel("mean_squared_error", "mean_squared_error_per_sample");

    private CudaKernel MeanSquaredErrorLoss => field ??= Kernel("mean_squared_error", "mean_squared_error_loss");

    private CudaKernel MeanSquaredErrorBackwardKernel => field ??= Kernel("mean_squared_error", "mean_squared_error_backward");

    /// <inheritdoc/>
    protected override void MeanSquaredErrorCore(Tensor prediction, Tensor target, Tensor? weights, Tensor perSample, Tensor loss)
    {
        int samples = prediction.Shape.N;
        Launch(MeanSquaredErrorPerSample, grid: samples, block: 512, 0, perSample, prediction, target, prediction.Shape.Count / samples);
        Launch(MeanSquaredErrorLoss, grid: 1, block: 256, 0, loss, perSample, weights, samples);
    }

    /// <inheritdoc/>
    protected override void MeanSquaredErrorBackwardCore(Tensor dloss, Tensor prediction, Tensor target, Tensor? weights, Sink dprediction)
    {
        int samples = prediction.Shape.N;
        LaunchOverSamples(MeanSquaredErrorBackwardKernel, prediction.Shape, dprediction.Tensor, dloss, prediction, target, weights, dprediction.Accumulate, samples,
            prediction.Shape.Count / samples);
    }
}
