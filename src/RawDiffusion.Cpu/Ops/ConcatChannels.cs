using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void ConcatChannelsCore(Tensor a, Tensor b, Tensor y)
    {
        int channelsA = a.Shape.C, channelsB = b.Shape.C, channels = y.Shape.C;
        float* from = Floats(a), fromB = Floats(b), to = Floats(y);
        ForRows(y.Shape, (row, rows) =>
        {
            CopyRows(from + row * channelsA, channelsA, to + row * channels, channels, rows, channelsA, false);
            CopyRows(fromB + row * channelsB, channelsB, to + row * channels + channelsA, channels, rows, channelsB, false);
        });
    }

    /// <inheritdoc/>
    protected override void ConcatChannelsBackwardCore(Tensor dy, Sink da, Sink db, int channelsA)
    {
        int channels = dy.Shape.C, channelsB = channels - channelsA;
        float* from = Floats(dy), toA = FloatsOrNull(da.Tensor), toB = FloatsOrNull(db.Tensor);
        ForRows(dy.Shape, (row, rows) =>
        {
            if (toA != null)
            {
                CopyRows(from + row * channels, channels, toA + row * channelsA, channelsA, rows, channelsA, da.Accumulate);
            }
            if (toB != null)
            {
                CopyRows(from + row * channels + channelsA, channels, toB + row * channelsB, channelsB, rows, channelsB, db.Accumulate);
            }
        });
    }

    /// <summary>Calls <paramref name="body"/>(first row, rows) for bands of about 32K elements of a tensor, on all workers.</summary>
    private void ForRows(Shape shape, Action<long, long> body) => InChunks(shape.Rows, Math.Max(1, (1 << 15) / shape.C), body);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyRows(float* from, long fromStride, float* to, long toStride, long rows, long width, bool accumulate)
    {
        long full = width & -Lanes.Count, rest = width - full;
        for (long row = 0; row < rows; row++, from += fromStride, to += toStride)
        {
            for (long i = 0; i < full; i += Lanes.Count)
            {
                var value = Vector512.Load(from + i);
                (accumulate ? Vector512.Load(to + i) + value : value).Store(to + i);
            }
            if (rest > 0)
            {
                var value = Lanes.Load(from + full, rest);
                Lanes.Store(accumulate ? Lanes.Load(to + full, rest) + value : value, to + full, rest);
            }
        }
    }
}
