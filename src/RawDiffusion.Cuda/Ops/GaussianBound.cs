using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel GaussianBoundPerSample => field ??= Kernel("gaussian_bound", "gaussian_bound_per_sample");

    private CudaKernel GaussianBoundLoss => field ??= Kernel("gaussian_bound", "gaussian_bound_loss");

    private CudaKernel GaussianBoundBackwardKernel => field ??= Kernel("gaussian_bound", "gaussian_bound_backward");

    /// <inheritdoc/>
    protected override void GaussianBoundCore(
        Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows, Tensor? weights, Tensor perSample, Tensor loss)
    {
        int samples = prediction.Shape.N;
        Launch(GaussianBoundPerSample, grid: samples, block: 256, 0, perSample, prediction, range, xt, target, rows, prediction.Shape.Count / samples);
        Launch(GaussianBoundLoss, grid: 1, block: 256, 0, loss, perSample, weights, samples);
    }

    /// <inheritdoc/>
    protected override void GaussianBoundBackwardCore(
        Tensor dloss, Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows, Tensor? weights, Sink dprediction, Sink drange)
    {
        int samples = prediction.Shape.N;
        LaunchOverSamples(
            GaussianBoundBackwardKernel, prediction.Shape, dprediction.Tensor, drange.Tensor, dloss, prediction, range, xt, target, rows, weights,
            dprediction.Accumulate, drange.Accumulate, samples, prediction.Shape.Count / samples);
    }
}
