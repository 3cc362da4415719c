using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel LinearStart => field ??= Kernel("linear", "linear_start");

    private CudaKernel LinearColumnSums => field ??= Kernel("linear", "linear_column_sums");

    /// <inheritdoc/>
    protected override void LinearCore(Tensor x, Tensor w, Tensor? bias, Tensor? residual, Tensor y)
    {
        var (m, n, k) = (Rows(x), y.Shape.C, x.Shape.C);
        bool hasAddends = bias is not null || residual is not null;
        if (hasAddends)
        {
            LaunchOver(LinearStart, y.Shape.Count, perThread: 4, y, bias, residual, n, y.Shape.Count);
        }
        Blas.Multiply(false, true, m, n, k, 1, x.Address, k, w.Address, k, hasAddends ? 1 : 0, y.Address, n);
    }

    /// <inheritdoc/>
    protected override void LinearBackwardInputCore(Tensor dy, Tensor w, Sink dx)
    {
        var (m, n, k) = (Rows(dy), dy.Shape.C, dx.Tensor!.Shape.C);
        Blas.Multiply(false, false, m, k, n, 1, dy.Address, n, w.Address, k, dx.Accumulate ? 1 : 0, dx.Tensor.Address, k);
    }

    /// <inheritdoc/>
    protected override void LinearBackwardWeightCore(Tensor x, Tensor dy, Sink dw, Sink dbias)
    {
        var (m, n, k) = (Rows(dy), dy.Shape.C, x.Shape.C);
        if (dw.Tensor is { } target)
        {
            Blas.Multiply(true, false, n, k, m, 1, dy.Address, n, x.Address, k, dw.Accumulate ? 1 : 0, target.Address, k);
        }
        if (dbias.IsWanted)
        {
            SumColumns(dy, m, n, dbias);
        }
    }

    /// <summary>sums[c] (+)= Σ over rows of x[row, c], in an order that follows from the extents and the GPU.</summary>
    private void SumColumns(Tensor x, int rows, int columns, Sink sums)
    {
        const int width = 32, fewestRows = 64, blocksPerMultiprocessor = 8;
        int blocks = (int)CeilingDivide(columns, width), wanted = (int)CeilingDivide(blocksPerMultiprocessor * Properties.Multiprocessors, blocks);
        int rowsPerPart = Math.Max(fewestRows, (int)CeilingDivide(rows, wanted)), parts = (int)CeilingDivide(rows, rowsPerPart);
        var block = new Dim3(width, 8);
        if (parts == 1)
        {
            Launch(LinearColumnSums, blocks, block, 0, sums.Tensor, x, rows, columns, rows, sums.Accumulate);
            return;
        }
        using var partial = Rent((long)parts * columns * sizeof(float), "the parts of columns' sums");
        Launch(LinearColumnSums, (blocks, parts), block, 0, partial, x, rows, columns, rowsPerPart, false);
        Launch(LinearColumnSums, blocks, block, 0, sums.Tensor, partial, parts, columns, parts, sums.Accumulate);
    }

    private static int Rows(Tensor x) => checked((int)x.Shape.Rows);
}
