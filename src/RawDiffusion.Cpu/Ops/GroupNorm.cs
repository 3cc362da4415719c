using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

// A task takes some groups of one image through both of its passes while they stay in the L2 cache. Everything is computed per channel, in bands
// of 16 positions: in float32 within a band, in double precision from band to band; groups come in only when their channels' sums are combined.
// So any group width runs at the same speed, and the bits do not depend on how the work is shared.
public sealed unsafe partial class CpuDevice
{
    // Of each channel: two sums and a factor, an offset, a centre; in the backward two sums and the six columns of the table.
    private const long MomentBytes = 2 * sizeof(double) + 3 * sizeof(float), TableBytes = 2 * sizeof(double) + 6 * sizeof(float);

    /// <inheritdoc/>
    protected override void GroupNormCore(Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y, Tensor mean, Tensor rstd, int groups, double eps, bool silu)
    {
        int channels = x.Shape.C, positions = x.Shape.Positions, width = channels / groups;
        float* from = Floats(x), to = Floats(y), means = Floats(mean), rstds = Floats(rstd);
        float* g = Floats(gamma), b = Floats(beta), scales = FloatsOrNull(scaleShift);
        ForChannels(x.Shape, width, 2, (n, first, count, worker) =>
        {
            long padded = Padded(count), at = (long)n * positions * channels + first;
            double* sums = (double*)_workers.Scratch(worker, padded * MomentBytes);
            double* squares = sums + padded;
            float* factors = (float*)(squares + padded), offsets = factors + padded, centres = offsets + padded;
            SumMoments(from + at, channels, positions, count, sums, squares);
            float* scale = scales == null ? null : scales + 2L * n * channels + first;
            for (int start = 0; start < count; start += width)
            {
                long group = (long)n * groups + (first + start) / width;
                var (m, r) = Statistics(sums + start, squares + start, width, positions, eps);
                means[group] = (float)m;
                rstds[group] = (float)r;
                new Span<float>(centres + start, width).Fill((float)m);
                Affine(g + first, b + first, scale, channels, m - (float)m, r, start, width, factors, offsets);
            }
            Normalise(from + at, to + at, channels, positions, count, centres, factors, offsets, silu);
        });
    }

    /// <inheritdoc/>
    protected override void GroupNormBackwardCore(
        Tensor dy, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor mean, Tensor rstd, Sink dx, Sink dgamma, Sink dbeta,
        Sink dScaleShift, int groups, bool silu)
    {
        int images = x.Shape.N, channels = x.Shape.C, positions = x.Shape.Positions, width = channels / groups;
        float* fromDy = Floats(dy), fromX = Floats(x), to = FloatsOrNull(dx.Tensor), means = Floats(mean), rstds = Floats(rstd);
        float* g = Floats(gamma), b = Floats(beta), scales = FloatsOrNull(scaleShift), dScales = FloatsOrNull(dScaleShift.Tensor);
        // For each image: its part of dgamma, then its part of dbeta.
        double* parts = (double*)_workers.SharedScratch(PartsBytes(x.Shape));
        ForChannels(x.Shape, width, 3, (n, first, count, worker) =>
        {
            long padded = Padded(count), at = (long)n * positions * channels + first;
            long tableBytes = padded * TableBytes;
            byte* scratch = (byte*)_workers.Scratch(worker, tableBytes + (silu ? SiluBytes(positions, padded) : 0));
            var table = new GradientTable((double*)scratch, padded);
            float* dh = silu ? (float*)(scratch + tableBytes) : fromDy + at;
            float* scale = scales == null ? null : scales + 2L * n * channels + first;
            for (int start = 0; start < count; start += width)
            {
                long group = (long)n * groups + (first + start) / width;
                Affine(g + first, b + first, scale, channels, 0, rstds[group], start, width, table.Factors, table.Offsets);
                new Span<float>(table.Means + start, width).Fill(means[group]);
            }
            SumGradients(fromDy + at, fromX + at, channels, positions, count, table, silu ? dh : null);

            double* part = parts + 2L * n * channels + first;
            float* dScale = dScales == null ? null : dScales + 2L * n * channels + first;
            for (int start = 0; start < count; start += width)
            {
                double r = rstds[(long)n * groups + (first + start) / width], sum = 0, moment = 0;
                for (int c = start; c < start + width; c++)
                {
                    // Σ dh and Σ dh·x̂ of the channel, h being what SiLU is applied to.
                    double sumH = table.Sums[c], momentH = table.Moments[c] * r, factor = scale == null ? 1 : 1.0 + scale[c];
                    double gain = factor * g[first + c];
                    part[c] = factor * momentH;
                    part[c + channels] = factor * sumH;
                    sum += gain * sumH;
                    moment += gain * momentH;
                    table.Gains[c] = (float)(gain * r);
                    if (dScale != null)
                    {
                        double dFactor = g[first + c] * momentH + b[first + c] * sumH;
                        dScale[c] = (float)(dScaleShift.Accumulate ? dScale[c] + dFactor : dFactor);
                        dScale[c + channels] = (float)(dScaleShift.Accumulate ? dScale[c + channels] + sumH : sumH);
                    }
                }
                double elements = (double)width * positions;
                new Span<float>(table.Slopes + start, width).Fill((float)(-r * r * moment / elements));
                new Span<float>(table.Shifts + start, width).Fill((float)(-r * sum / elements));
            }
            if (to != null)
            {
                WriteGradients(dh, silu ? padded : channels, fromX + at, to + at, channels, positions, count, table, dx.Accumulate);
            }
        });
        AddImages(parts, images, channels, dgamma);
        AddImages(parts + channels, images, channels, dbeta);
    }

    private static long PartsBytes(Shape x) => 2L * x.N * x.C * sizeof(double);

    private static long SiluBytes(int positions, long padded) => positions * padded * sizeof(float);

    private void RehearseGroupNorm(OpCall call, CpuScratch scratch)
    {
        var x = call["x"].Shape;
        int width = x.C / call["mean"].Shape.C;
        if (call.Op == nameof(GroupNorm))
        {
            scratch.EachWorker(Padded(ChannelsPerTask(x, width, 2)) * MomentBytes);
            return;
        }
        long padded = Padded(ChannelsPerTask(x, width, 3));
        scratch.Shared(PartsBytes(x));
        scratch.EachWorker(padded * TableBytes + ((bool)call.Settings! ? SiluBytes(x.Positions, padded) : 0));
    }

    /// <summary>Per channel Σ x and Σ x², computed so that nothing cancels in float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumMoments(float* x, long stride, long rows, long channels, double* sums, double* squares)
    {
        Unsafe.InitBlockUnaligned(sums, 0, (uint)(Padded(channels) * sizeof(double)));
        Unsafe.InitBlockUnaligned(squares, 0, (uint)(Padded(channels) * sizeof(double)));
        long full = channels & -Lanes.Count;
        float* tile = stackalloc float[TileSize];
        for (long band = 0; band < rows; band += RowsPerBand, x += RowsPerBand * stride)
        {
            long count = Math.Min(RowsPerBand, rows - band);
            for (long c = 0; c < full; c += Lanes.Count)
            {
                SumBandMoments(x + c, stride, count, sums + c, squares + c);
            }
            if (full < channels)
            {
                Lanes.CopyTile(x + full, stride, tile, Lanes.Count, count, channels - full);
                SumBandMoments(tile, Lanes.Count, count, sums + full, squares + full);
            }
        }
    }

    // With deviations from a pivot p, Σx = n·p + Σd and Σx² = n·p² + 2p·Σd + Σd² hold for any p; one of the values keeps the deviations small.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumBandMoments(float* x, long stride, long rows, double* sums, double* squares)
    {
        var pivot = Vector512.Load(x);
        Vector512<float> sum = default, square = default;
        for (long row = 1; row < rows; row++)
        {
            var deviation = Vector512.Load(x + row * stride) - pivot;
            Lanes.Prefetch(x + (row + RowsPerBand) * stride);
            sum += deviation;
            square = Vector512.FusedMultiplyAdd(deviation, deviation, square);
        }
        AddMoments(Vector512.WidenLower(pivot), Vector512.WidenLower(sum), Vector512.WidenLower(square), rows, sums, squares);
        AddMoments(Vector512.WidenUpper(pivot), Vector512.WidenUpper(sum), Vector512.WidenUpper(square), rows, sums + 8, squares + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddMoments(Vector512<double> pivot, Vector512<double> sum, Vector512<double> square, long rows, double* sums, double* squares)
    {
        var pivots = pivot * Vector512.Create((double)rows);
        (Vector512.Load(sums) + (pivots + sum)).Store(sums);
        (Vector512.Load(squares) + Vector512.FusedMultiplyAdd(pivot, pivots + sum + sum, square)).Store(squares);
    }

    /// <summary>The mean and 1/√(variance + eps) of a group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (double Mean, double Rstd) Statistics(double* sums, double* squares, int width, int positions, double eps)
    {
        double sum = 0, square = 0, elements = (double)width * positions;
        for (int c = 0; c < width; c++)
        {
            sum += sums[c];
            square += squares[c];
        }
        double mean = sum / elements;
        return (mean, 1 / Math.Sqrt(Math.Max(0, square / elements - mean * mean) + eps));
    }

    /// <summary>
    /// factors and offsets of a group's channels, with which h = (x − mean)·factor + offset for the mean rounded to float32; what rounding took off it
    /// goes into the offset. (x·factor + offset would lose a group whose mean is large beside its deviation.)
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Affine(
        float* gamma, float* beta, float* scale, int channels, double meanRest, double rstd, int start, int width, float* factors, float* offsets)
    {
        for (int c = start; c < start + width; c++)
        {
            double factor = gamma[c] * rstd, offset = beta[c] - meanRest * factor;
            if (scale != null)
            {
                factor *= 1.0 + scale[c];
                offset = offset * (1.0 + scale[c]) + scale[c + channels];
            }
            factors[c] = (float)factor;
            offsets[c] = (float)offset;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Normalise(
        float* x, float* y, long stride, long rows, long channels, float* means, float* factors, float* offsets, bool silu)
    {
        long full = channels & -Lanes.Count, rest = channels - full;
        for (long row = 0; row < rows; row++, x += stride, y += stride)
        {
            for (long c = 0; c < full; c += Lanes.Count)
            {
                var centred = Vector512.Load(x + c) - Vector512.Load(means + c);
                var h = Vector512.FusedMultiplyAdd(centred, Vector512.Load(factors + c), Vector512.Load(offsets + c));
                (silu ? VectorMath.Silu(h) : h).Store(y + c);
            }
            if (rest > 0)
            {
                var centred = Lanes.Load(x + full, rest) - Vector512.Load(means + full);
                var h = Vector512.FusedMultiplyAdd(centred, Vector512.Load(factors + full), Vector512.Load(offsets + full));
                Lanes.Store(silu ? VectorMath.Silu(h) : h, y + full, rest);
            }
        }
    }

    /// <summary>
    /// Per channel Σ dh and Σ dh·(x − mean), where dh = dy·silu'(h) is kept for the second pass in rows of whole vectors; without SiLU, dh is null and dy counts.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumGradients(float* dy, float* x, long stride, long rows, long channels, GradientTable table, float* dh)
    {
        Unsafe.InitBlockUnaligned(table.Sums, 0, (uint)(Padded(channels) * sizeof(double)));
        Unsafe.InitBlockUnaligned(table.Moments, 0, (uint)(Padded(channels) * sizeof(double)));
        long full = channels & -Lanes.Count, dhStride = dh == null ? 0 : Padded(channels);
        float* tile = stackalloc float[2 * TileSize];
        for (long band = 0; band < rows; band += RowsPerBand)
        {
            long count = Math.Min(RowsPerBand, rows - band), at = band * stride;
            for (long c = 0; c < full; c += Lanes.Count)
            {
                SumBandGradients(dy + at + c, x + at + c, stride, count, table, c, dh == null ? null : dh + band * dhStride + c, dhStride);
            }
            if (full < channels)
            {
                Lanes.CopyTile(dy + at + full, stride, tile, Lanes.Count, count, channels - full);
                Lanes.CopyTile(x + at + full, stride, tile + TileSize, Lanes.Count, count, channels - full);
                SumBandGradients(tile, tile + TileSize, Lanes.Count, count, table, full, dh == null ? null : dh + band * dhStride + full, dhStride);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumBandGradients(float* dy, float* x, long stride, long rows, GradientTable table, long c, float* dh, long dhStride)
    {
        var factor = Vector512.Load(table.Factors + c);
        var offset = Vector512.Load(table.Offsets + c);
        var mean = Vector512.Load(table.Means + c);
        Vector512<float> sum = default, moment = default;
        for (long row = 0; row < rows; row++, dy += stride, x += stride, dh += dhStride)
        {
            var d = Vector512.Load(dy);
            Lanes.Prefetch(dy + RowsPerBand * stride);
            Lanes.Prefetch(x + RowsPerBand * stride);
            var centred = Vector512.Load(x) - mean;
            if (dh != null)
            {
                d *= VectorMath.SiluDerivative(Vector512.FusedMultiplyAdd(centred, factor, offset));
                d.Store(dh);
            }
            sum += d;
            moment = Vector512.FusedMultiplyAdd(d, centred, moment);
        }
        Lanes.AddTo(table.Sums + c, sum);
        Lanes.AddTo(table.Moments + c, moment);
    }

    /// <summary>dx (+)= dh·gain + (x − mean)·slope + shift.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteGradients(
        float* dh, long dhStride, float* x, float* dx, long stride, long rows, long channels, GradientTable table, bool accumulate)
    {
        long full = channels & -Lanes.Count, rest = channels - full;
        for (long row = 0; row < rows; row++, dh += dhStride, x += stride, dx += stride)
        {
            for (long c = 0; c < full; c += Lanes.Count)
            {
                var d = InputGradient(Vector512.Load(dh + c), Vector512.Load(x + c), table, c);
                (accumulate ? Vector512.Load(dx + c) + d : d).Store(dx + c);
            }
            if (rest > 0)
            {
                var d = InputGradient(Lanes.Load(dh + full, rest), Lanes.Load(x + full, rest), table, full);
                Lanes.Store(accumulate ? Lanes.Load(dx + full, rest) + d : d, dx + full, rest);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> InputGradient(Vector512<float> dh, Vector512<float> x, GradientTable table, long c)
    {
        var linear = Vector512.FusedMultiplyAdd(x - Vector512.Load(table.Means + c), Vector512.Load(table.Slopes + c), Vector512.Load(table.Shifts + c));
        return Vector512.FusedMultiplyAdd(dh, Vector512.Load(table.Gains + c), linear);
    }

    /// <summary>Adds the images' parts of dgamma, or of dbeta behind them, up in their order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddImages(double* parts, int images, int channels, Sink sink)
    {
        float* target = FloatsOrNull(sink.Tensor);
        for (int c = 0; target != null && c < channels; c++)
        {
            double sum = sink.Accumulate ? target[c] : 0;
            for (long n = 0; n < images; n++)
            {
                sum += parts[2 * n * channels + c];
            }
            target[c] = (float)sum;
        }
    }

    /// <summary>What the backward's two passes know of each channel, in one piece of scratch memory.</summary>
    private readonly struct GradientTable(double* memory, long padded)
    {
        public double* Sums => memory;

        public double* Moments => memory + padded;

        public float* Factors => (float*)(memory + 2 * padded);

        public float* Offsets => Factors + padded;

        public float* Means => Factors + 2 * padded;

        public float* Gains => Factors + 3 * padded;

        public float* Slopes => Factors + 4 * padded;

        public float* Shifts => Factors + 5 * padded;
    }
}
