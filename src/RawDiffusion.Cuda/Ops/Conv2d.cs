using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed unsafe partial class CudaDevice
{
    private const string ConvFile = "conv2d";

    private readonly ConvKernels _conv, _convWeights;

    private CudaKernel ConvTurnWeights => field ??= Kernel(ConvFile, "conv2d_turn_weights");

    private CudaKernel ConvFinish => field ??= Kernel(ConvFile, "conv2d_finish");

    /// <inheritdoc/>
    protected override void Conv2dCore(Tensor x, Tensor w, Tensor? bias, Tensor? channelAdd, Tensor? residual, Tensor y, in ConvGeometry geometry) =>
        Convolve(ConvProblem.Forward(geometry), y, x.Address, w.Address, bias, channelAdd, residual);

    /// <inheritdoc/>
    protected override void Conv2dBackwardInputCore(Tensor dy, Tensor w, Sink dx, in ConvGeometry geometry)
    {
        var g = geometry;
        var target = dx.Tensor!;
        for (int i = 0; i < g.Stride; i++)
        {
            var rows = ConvResidue.Of(i, g.H, g.Kernel, g.Stride, g.PadTop);
            for (int j = 0; j < g.Stride; j++)
            {
                var columns = ConvResidue.Of(j, g.W, g.Kernel, g.Stride, g.PadLeft);
                int taps = rows.Taps * columns.Taps;
                if (rows.Pixels * columns.Pixels == 0 || (taps == 0 && dx.Accumulate))
                {
                    continue;
                }
                using var turned = Rent(TurnedBytes(g, taps), "the turned weights");
                if (taps > 0)
                {
                    Launch(
                        ConvTurnWeights, ((int)CeilingDivide(g.Cin, 32), (int)CeilingDivide(g.Cout, 32), taps), (32, 8), 0,
                        turned, w, g.Cout, g.Cin, g.Kernel, rows.Taps, columns.Taps, rows.FirstTap, columns.FirstTap, g.Stride);
                }
                var problem = InputProblem(g, rows, columns);
                Convolve(problem, target, dy.Address, turned.Address, null, null, dx.Accumulate ? target : null);
            }
        }
    }

    /// <inheritdoc/>
    protected override void Conv2dBackwardWeightCore(Tensor x, Tensor dy, Sink dw, Sink dbias, in ConvGeometry geometry)
    {
        var problem = ConvProblem.Forward(geometry);
        problem.RequireSmallEnough();
        if (dw.Tensor is { } target)
        {
            ConvolveWeights(problem, target, x, dy, dw.Accumulate ? target : null);
        }
        if (dbias.IsWanted)
        {
            SumColumns(dy, problem.Pixels, problem.Channels, dbias);
        }
    }

    private void ConvolveWeights(ConvProblem problem, Tensor dw, Tensor x, Tensor dy, Tensor? residual)
    {
        var result = ConvProblem.Matrix(problem.Channels, problem.Depth);
        var split = SplitWeights(problem, result);
        using var parts = RentParts(result, split);
        Launch(
            _convWeights.Get(this, split.Tile), (split.Tiles, 1, split.Parts), split.Tile.Threads, 0,
            dw, parts, dy, x, residual, KernelArgument.Struct(&problem), KernelArgument.Struct(&result), split.StepsPerPart);
        FinishConvolution(result, split, dw, parts, null, null, residual);
    }

    private void Convolve(ConvProblem problem, Tensor y, nint x, nint w, Tensor? bias, Tensor? channelAdd, Tensor? residual)
    {
        problem.RequireSmallEnough();
        var split = Split(problem);
        using var parts = RentParts(problem, split);
        Launch(
            _conv.Get(this, split.Tile), (split.Tiles, 1, split.Parts), split.Tile.Threads, 0,
            y, parts, x, w, bias, channelAdd, residual, KernelArgument.Struct(&problem), split.StepsPerPart);
        FinishConvolution(problem, split, y, parts, bias, channelAdd, residual);
    }

    private Scratch RentParts(in ConvProblem result, in ConvSplit split) =>
        split.Parts == 1 ? default : Rent(PartsBytes(result, split), "the parts of a convolution's sums");

    private static long PartsBytes(in ConvProblem result, in ConvSplit split) => split.Parts == 1 ? 0 : split.Parts * result.PaddedCount * sizeof(float);

    private static long TurnedBytes(in ConvGeometry g, int taps) => Math.Max(1, (long)taps * g.Cin * g.Cout) * sizeof(float);

    /// <summary>The convolution that makes the gradient at those pixels of x that lie at one remainder modulo the stride.</summary>
    private static ConvProblem InputProblem(in ConvGeometry g, in ConvResidue rows, in ConvResidue columns) => new(
        g.N, g.OutH, g.OutW, g.Cout, rows.Pixels, columns.Pixels, g.Cin, rows.Taps * columns.Taps == 0 ? 0 : rows.Taps, Math.Max(1, columns.Taps), 1, rows.Padding, columns.Padding,
        g.H, g.W, g.Stride, rows.First, columns.First);

    private ConvSplit Split(in ConvProblem problem) => ConvSplit.For(problem.Pixels, problem.Channels, problem.Depth, Properties.Multiprocessors);

    private ConvSplit SplitWeights(in ConvProblem problem, in ConvProblem result) => ConvSplit.For(result.Pixels, result.Channels, problem.Pixels, Properties.Multiprocessors);

    private void RehearseConvolution(in ConvProblem problem, Rehearsal rehearsal) => rehearsal.Rent(PartsBytes(problem, Split(problem))).Dispose();

    private void RehearseConvolutionInput(OpCall call, Rehearsal rehearsal)
    {
        var g = (ConvGeometry)call.Settings!;
        for (int i = 0; i < g.Stride; i++)
        {
            var rows = ConvResidue.Of(i, g.H, g.Kernel, g.Stride, g.PadTop);
            for (int j = 0; j < g.Stride; j++)
            {
                var columns = ConvResidue.Of(j, g.W, g.Kernel, g.Stride, g.PadLeft);
                int taps = rows.Taps * columns.Taps;
                if (rows.Pixels * columns.Pixels != 0 && (taps != 0 || call["dx"].Access == Access.Write))
                {
                    using var turned = rehearsal.Rent(TurnedBytes(g, taps));
                    RehearseConvolution(InputProblem(g, rows, columns), rehearsal);
                }
            }
        }
    }

    private void RehearseConvolutionWeight(OpCall call, Rehearsal rehearsal)
    {
        var problem = ConvProblem.Forward((ConvGeometry)call.Settings!);
        if (call.Find("dw") is not null)
        {
            var result = ConvProblem.Matrix(problem.Channels, problem.Depth);
            rehearsal.Rent(PartsBytes(result, SplitWeights(problem, result))).Dispose();
        }
        if (call.Find("dbias") is not null)
        {
            rehearsal.Rent(ColumnSums.Of(problem.Pixels, problem.Channels, Properties.Multiprocessors).PartialBytes).Dispose();
        }
    }

    private void FinishConvolution(ConvProblem result, in ConvSplit split, Tensor y, Scratch parts, Tensor? bias, Tensor? channelAdd, Tensor? residual)
    {
        if (split.Parts > 1)
        {
            LaunchOver(ConvFinish, result.PaddedCount, perThread: 4, y, parts, bias, channelAdd, residual, KernelArgument.Struct(&result), split.Parts);
        }
    }

    /// <summary>A kernel in its version for each tile, looked up when first needed.</summary>
    private sealed class ConvKernels(string file, string prefix)
    {
        private readonly Dictionary<ConvTile, CudaKernel> _kernels = [];

        public CudaKernel Get(CudaDevice device, ConvTile tile)
        {
            if (!_kernels.TryGetValue(tile, out var kernel))
            {
                _kernels[tile] = kernel = device.Kernel(file, prefix + tile);
            }
            return kernel;
        }
    }
}
