using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    private const long SumChunk = 1 << 16;
    private const long AdamChunk = 1 << 14;

    /// <inheritdoc/>
    protected override void SumOfSquaresCore(Tensor x, Tensor sum)
    {
        long count = x.Shape.Count, chunks = (count + SumChunk - 1) / SumChunk;
        float* from = Floats(x);
        double* partial = (double*)_workers.SharedScratch(SumOfSquaresBytes(count));
        InChunks(count, SumChunk, (first, length) => partial[first / SumChunk] = SumOfSquares(from + first, length));
        double total = 0;
        for (long i = 0; i < chunks; i++)
        {
            total += partial[i];
        }
        *Floats(sum) = (float)total;
    }

    private static long SumOfSquaresBytes(long count) => (count + SumChunk - 1) / SumChunk * sizeof(double);

    /// <inheritdoc/>
    protected override void AdamStepCore(Tensor parameters, Tensor gradients, Tensor firstMoment, Tensor secondMoment, Tensor ema, Tensor gradientSumOfSquares, Tensor settings)
    {
        double norm = Math.Sqrt(*Floats(gradientSumOfSquares));
        if (!double.IsFinite(norm))
        {
            return;
        }
        float* setting = Floats(settings);
        float clip = (float)Math.Min(1, setting[(int)AdamSetting.MaxNorm] / (norm + 1e-6));
        float rate = (float)(setting[(int)AdamSetting.LearningRate] / (double)setting[(int)AdamSetting.BiasCorrection1]);
        float* p = Floats(parameters), g = Floats(gradients), m = Floats(firstMoment), v = Floats(secondMoment), e = Floats(ema);
        InChunks(parameters.Shape.Count, AdamChunk, (i, count) => AdamStep(p + i, g + i, m + i, v + i, e + i, count, clip, rate, setting));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumOfSquares(float* x, long count)
    {
        // The incomplete vector comes first: a call within or after the loop would drive the sums out of their registers.
        long full = count & -Lanes.Count;
        var (lower, upper) = Vector512.Widen(Lanes.Load(x + full, count - full));
        Vector512<double> sum0 = lower * lower, sum1 = upper * upper;
        for (long i = 0; i < full; i += Lanes.Count)
        {
            (lower, upper) = Vector512.Widen(Vector512.Load(x + i));
            sum0 = Vector512.FusedMultiplyAdd(lower, lower, sum0);
            sum1 = Vector512.FusedMultiplyAdd(upper, upper, sum1);
        }
        return Vector512.Sum(sum0 + sum1);
    }

    // Nine floats of traffic per element; the arithmetic hides behind it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AdamStep(float* parameters, float* gradients, float* firstMoment, float* secondMoment, float* ema, long count, float clip, float rate, float* setting)
    {
        long full = count & -Lanes.Count, rest = count - full;
        if (rest > 0)
        {
            // The incomplete vector goes through a copy of its five parts.
            float* part = stackalloc float[5 * Lanes.Count];
            Span<nint> arrays = [(nint)(parameters + full), (nint)(gradients + full), (nint)(firstMoment + full), (nint)(secondMoment + full), (nint)(ema + full)];
            for (int i = 0; i < arrays.Length; i++)
            {
                Lanes.Load((float*)arrays[i], rest).Store(part + i * Lanes.Count);
            }
            AdamStep(part, part + 16, part + 32, part + 48, part + 64, Lanes.Count, clip, rate, setting);
            for (int i = 0; i < arrays.Length; i++)
            {
                Lanes.Store(Vector512.Load(part + i * Lanes.Count), (float*)arrays[i], rest);
            }
        }
        var clips = Vector512.Create(clip);
        var rates = Vector512.Create(-rate);
        var oneMinusBeta1 = Vector512.Create(setting[(int)AdamSetting.OneMinusBeta1]);
        var beta2 = Vector512.Create(setting[(int)AdamSetting.Beta2]);
        var oneMinusBeta2 = Vector512.Create(setting[(int)AdamSetting.OneMinusBeta2]);
        var epsilon = Vector512.Create(setting[(int)AdamSetting.Epsilon]);
        var rootCorrection = Vector512.Create(1 / setting[(int)AdamSetting.RootBiasCorrection2]);
        var oneMinusDecay = Vector512.Create(setting[(int)AdamSetting.OneMinusEmaDecay]);
        for (long i = 0; i < full; i += Lanes.Count)
        {
            var g = Vector512.Load(gradients + i) * clips;
            var m = Vector512.Load(firstMoment + i);
            var v = Vector512.Load(secondMoment + i);
            var p = Vector512.Load(parameters + i);
            var e = Vector512.Load(ema + i);
            m = Vector512.FusedMultiplyAdd(oneMinusBeta1, g - m, m);
            v = Vector512.FusedMultiplyAdd(oneMinusBeta2 * g, g, beta2 * v);
            p = Vector512.FusedMultiplyAdd(rates, m / Vector512.FusedMultiplyAdd(Vector512.Sqrt(v), rootCorrection, epsilon), p);
            e = Vector512.FusedMultiplyAdd(oneMinusDecay, p - e, e);
            m.Store(firstMoment + i);
            v.Store(secondMoment + i);
            p.Store(parameters + i);
            e.Store(ema + i);
        }
    }
}
