using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void SumPositionsCore(Tensor x, Sink sum)
    {
        int channels = x.Shape.C, positions = x.Shape.Positions;
        float* from = Floats(x), to = Floats(sum.Tensor!);
        ForChannels(x.Shape, 1, 1, (n, first, count, worker) =>
        {
            double* sums = (double*)_workers.Scratch(worker, SumPositionsBytes(count));
            SumRows(from + (long)n * positions * channels + first, channels, positions, count, sums);
            float* target = to + (long)n * channels + first;
            for (int c = 0; c < count; c++)
            {
                target[c] = (float)(sum.Accumulate ? target[c] + sums[c] : sums[c]);
            }
        });
    }

    private static long SumPositionsBytes(int channels) => Padded(channels) * sizeof(double);

    private static long RowsPerBlock(int channels) => Math.Max(RowsPerBand, (1 << 15) / channels / RowsPerBand * RowsPerBand);

    private static long SumAllRowsBytes(long rows, int channels) => (rows + RowsPerBlock(channels) - 1) / RowsPerBlock(channels) * Padded(channels) * sizeof(double);

    /// <summary>sum[c] (+)= Σ over all rows of x[row, c]: blocks of a fixed number of rows on all workers, their sums in order.</summary>
    private void SumAllRows(float* x, long rows, int channels, float* sum, bool accumulate)
    {
        long block = RowsPerBlock(channels), blocks = (rows + block - 1) / block, padded = Padded(channels);
        double* sums = (double*)_workers.SharedScratch(SumAllRowsBytes(rows, channels));
        InChunks(rows, block, (row, count) => SumRows(x + row * channels, channels, count, channels, sums + row / block * padded));
        for (int c = 0; c < channels; c++)
        {
            double total = accumulate ? sum[c] : 0;
            for (long i = 0; i < blocks; i++)
            {
                total += sums[i * padded + c];
            }
            sum[c] = (float)total;
        }
    }

    /// <summary>sums[c] = Σ over rows of x[row, c]: bands in float32, their sums in double precision.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumRows(float* x, long stride, long rows, long channels, double* sums)
    {
        Unsafe.InitBlockUnaligned(sums, 0, (uint)(Padded(channels) * sizeof(double)));
        long full = channels & -Lanes.Count;
        float* tile = stackalloc float[TileSize];
        for (long band = 0; band < rows; band += RowsPerBand, x += RowsPerBand * stride)
        {
            long count = Math.Min(RowsPerBand, rows - band);
            for (long c = 0; c < full; c += Lanes.Count)
            {
                Lanes.AddTo(sums + c, SumBand(x + c, stride, count));
            }
            if (full < channels)
            {
                Lanes.CopyTile(x + full, stride, tile, Lanes.Count, count, channels - full);
                Lanes.AddTo(sums + full, SumBand(tile, Lanes.Count, count));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> SumBand(float* x, long stride, long rows)
    {
        var sum = Vector512.Load(x);
        for (long row = 1; row < rows; row++)
        {
            Lanes.Prefetch(x + (row + RowsPerBand) * stride);
            sum += Vector512.Load(x + row * stride);
        }
        return sum;
    }
}
