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
        var (blocks, rowsPerPart, parts, partialBytes) = ColumnSums.Of(rows, columns, Properties.Multiprocessors);
        var block = new Dim3(ColumnSums.Width, 8);
        if (parts == 1)
        {
            Launch(LinearColumnSums, blocks, block, 0, sums.Tensor, x, rows, columns, rows, sums.Accumulate);
            return;
        }
        using var partial = Rent(partialBytes, "the parts of columns' sums");
        Launch(LinearColumnSums, (blocks, parts), block, 0, partial, x, rows, columns, rowsPerPart, false);
        Launch(LinearColumnSums, blocks, block, 0, sums.Tensor, partial, parts, columns, parts, sums.Accumulate);
    }

    /// <summary>How the sums of a matrix's columns are shared: by blocks of columns, and, where those are too few for the GPU, by parts of the rows.</summary>
    /// <param name="Blocks">Blocks of columns.</param>
    /// <param name="RowsPerPart">Rows that are added up together.</param>
    /// <param name="Parts">Into how many parts the rows are cut.</param>
    /// <param name="PartialBytes">Scratch for the parts' sums; 0 where there is one.</param>
    private readonly record struct ColumnSums(int Blocks, int RowsPerPart, int Parts, long PartialBytes)
    {
        public const int Width = 32;
        private const int FewestRows = 64, BlocksPerMultiprocessor = 8;

        public static ColumnSums Of(int rows, int columns, int multiprocessors)
        {
            int blocks = (int)CeilingDivide(columns, Width), wanted = (int)CeilingDivide(BlocksPerMultiprocessor * multiprocessors, blocks);
            int rowsPerPart = Math.Max(FewestRows, (int)CeilingDivide(rows, wanted)), parts = (int)CeilingDivide(rows, rowsPerPart);
            return new ColumnSums(blocks, rowsPerPart, parts, parts == 1 ? 0 : (long)parts * columns * sizeof(float));
        }
    }

    private static int Rows(Tensor x) => checked((int)x.Shape.Rows);
}
