using System.Runtime.CompilerServices;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void UpsampleNearestCore(Tensor x, Tensor y)
    {
        int width = x.Shape[2], channels = x.Shape.C;
        long row = (long)width * channels;
        float* from = Floats(x), to = Floats(y);
        InChunks((long)x.Shape.N * x.Shape[1], RowsPerTask(row), (first, rows) => RepeatPixels(from + first * row, to + 4 * first * row, rows, width, channels));
    }

    /// <inheritdoc/>
    protected override void UpsampleNearestBackwardCore(Tensor dy, Sink dx)
    {
        var shape = dx.Tensor!.Shape;
        int width = shape[2], channels = shape.C;
        long row = (long)width * channels;
        float* from = Floats(dy), to = Floats(dx.Tensor);
        InChunks((long)shape.N * shape[1], RowsPerTask(row), (first, rows) =>
            SumPixels(from + 4 * first * row, to + first * row, rows, width, channels, dx.Accumulate));
    }

    private static long RowsPerTask(long row) => Math.Max(1, (1 << 13) / row);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RepeatPixels(float* x, float* y, long rows, long width, long channels)
    {
        long below = 2 * width * channels;
        for (long row = 0; row < rows; row++, y += below)
        {
            for (long column = 0; column < width; column++, x += channels, y += 2 * channels)
            {
                for (long c = 0; c < channels; c += Lanes.Count)
                {
                    long rest = channels - c;
                    var value = Lanes.Load(x + c, rest);
                    Lanes.Store(value, y + c, rest);
                    Lanes.Store(value, y + c + channels, rest);
                    Lanes.Store(value, y + c + below, rest);
                    Lanes.Store(value, y + c + below + channels, rest);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumPixels(float* dy, float* dx, long rows, long width, long channels, bool accumulate)
    {
        long below = 2 * width * channels;
        for (long row = 0; row < rows; row++, dy += below)
        {
            for (long column = 0; column < width; column++, dx += channels, dy += 2 * channels)
            {
                for (long c = 0; c < channels; c += Lanes.Count)
                {
                    long rest = channels - c;
                    var sum = (Lanes.Load(dy + c, rest) + Lanes.Load(dy + c + channels, rest)) +
                        (Lanes.Load(dy + c + below, rest) + Lanes.Load(dy + c + below + channels, rest));
                    Lanes.Store(accumulate ? Lanes.Load(dx + c, rest) + sum : sum, dx + c, rest);
                }
            }
        }
    }
}
