using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    /// <summary>Elements that one block sums: <c>SumChunk</c> of kernels/optimizer.cu.</summary>
    private const int SumChunk = 256 * 4 * 16;

    private CudaKernel SumOfSquaresPartial => field ??= Kernel("optimizer", "sum_of_squares_partial");

    private CudaKernel SumOfSquaresTotal => field ??= Kernel("optimizer", "sum_of_squares_total");

    private CudaKernel AdamStepKernel => field ??= Kernel("optimizer", "adam_step");

    /// <inheritdoc/>
    protected override void SumOfSquaresCore(Tensor x, Tensor sum)
    {
        int chunks = checked((int)CeilingDivide(x.Shape.Count, SumChunk));
        using var partial = Rent(SumOfSquaresBytes(x.Shape.Count), "SumOfSquares.partial");
        Launch(SumOfSquaresPartial, grid: chunks, block: 256, 0, partial, x, x.Shape.Count);
        Launch(SumOfSquaresTotal, grid: 1, block: 1024, 0, sum, partial, chunks);
    }

    private static long SumOfSquaresBytes(long count) => CeilingDivide(count, SumChunk) * sizeof(double);

    /// <inheritdoc/>
    protected override void AdamStepCore(Tensor parameters, Tensor gradients, Tensor firstMoment, Tensor secondMoment, Tensor ema, Tensor gradientSumOfSquares, Tensor settings) =>
        LaunchOver(
            AdamStepKernel, parameters.Shape.Count, perThread: 4,
            parameters, firstMoment, secondMoment, ema, gradients, gradientSumOfSquares, settings, parameters.Shape.Count);
}
