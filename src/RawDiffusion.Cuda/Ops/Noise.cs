using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel FillNormalKernel => field ??= Kernel("noise", "fill_normal");

    private CudaKernel AddNoiseKernel => field ??= Kernel("noise", "add_noise");

    private CudaKernel DenoiseUpdateKernel => field ??= Kernel("sampling", "denoise_update");

    private CudaKernel AddNoiseToPixelsKernel => field ??= Kernel("noise", "add_noise_to_pixels");

    /// <inheritdoc/>
    protected override void FillNormalCore(Tensor y, in RandomStream stream) =>
        LaunchOverSamples(FillNormalKernel, y.Shape, y, stream.Position, stream.Seed, (uint)stream.Purpose, y.Shape.N, y.Shape.Count / y.Shape.N);

    /// <inheritdoc/>
    protected override void AddNoiseCore(Tensor x0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target) =>
        LaunchOverSamples(AddNoiseKernel, x0.Shape, xt, target, x0, coefficients, noise, stream.Position, stream.Seed, (uint)stream.Purpose, x0.Shape.N,
            x0.Shape.Count / x0.Shape.N);

    /// <inheritdoc/>
    protected override void DenoiseUpdateCore(
        Tensor x, Tensor output, Tensor? previousX0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor? x0, Tensor next) =>
        LaunchOverSamples(DenoiseUpdateKernel, x.Shape, next, x0, x, output, previousX0, coefficients, noise, stream.Position, stream.Seed, (uint)stream.Purpose,
            x.Shape.N, x.Shape.Count / x.Shape.N);

    /// <inheritdoc/>
    protected override void AddNoiseToPixelsCore(
        Tensor pixels, Tensor picks, int left, int width, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target) =>
        LaunchOverSamples(
            AddNoiseToPixelsKernel, xt.Shape, xt, target, pixels, picks, coefficients, noise, stream.Position, stream.Seed, (uint)stream.Purpose,
            xt.Shape.N, xt.Shape.Count / xt.Shape.N, xt.Shape.C, xt.Shape[2], left, width);

    /// <summary>Puts a launch into the stream in which each thread does four elements of one sample, for <c>forEachQuad</c>.</summary>
    private void LaunchOverSamples(CudaKernel kernel, Shape shape, params ReadOnlySpan<KernelArgument> arguments) =>
        LaunchOver(kernel, shape.N * CeilingDivide(shape.Count / shape.N, 4), perThread: 1, arguments);
}
