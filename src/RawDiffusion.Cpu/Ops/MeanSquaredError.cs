using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void MeanSquaredErrorCore(Tensor prediction, Tensor target, Tensor? weights, Tensor perSample, Tensor loss)
    {
        int samples = prediction.Shape.N;
        long count = prediction.Shape.Count / samples;
        float* a = Floats(prediction), b = Floats(target), weight = FloatsOrNull(weights), errors = Floats(perSample);
        double* means = (double*)_workers.SharedScratch(SampleMeansBytes(samples));
        _workers.Run(samples, (n, _) => means[n] = SumOfSquaredDifferences(a + n * count, b + n * count, count) / count);
        double total = 0;
        for (int n = 0; n < samples; n++)
        {
            errors[n] = (float)means[n];
            total += weight == null ? means[n] : weight[n] * means[n];
        }
        *Floats(loss) = (float)(total / samples);
    }

    private static long SampleMeansBytes(int samples) => samples * sizeof(double);

    /// <inheritdoc/>
    protected override void MeanSquaredErrorBackwardCore(Tensor dloss, Tensor prediction, Tensor target, Tensor? weights, Sink dprediction)
    {
        int samples = prediction.Shape.N;
        long count = prediction.Shape.Count / samples;
        float* a = Floats(prediction), b = Floats(target), weight = FloatsOrNull(weights), d = Floats(dprediction.Tensor!);
        double factor = *Floats(dloss) * 2.0 / prediction.Shape.Count;
        _workers.Run(samples, (n, _) =>
        {
            var function = new ScaledDifference((float)(weight == null ? factor : weight[n] * factor), dprediction.Accumulate);
            Elementwise.Apply(function, a + n * count, b + n * count, d + n * count, d + n * count, count);
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumOfSquaredDifferences(float* a, float* b, long count)
    {
        long full = count & -Lanes.Count;
        var (lower, upper) = Vector512.Widen(Lanes.Load(a + full, count - full) - Lanes.Load(b + full, count - full));
        Vector512<double> sum0 = lower * lower, sum1 = upper * upper;
        for (long i = 0; i < full; i += Lanes.Count)
        {
            (lower, upper) = Vector512.Widen(Vector512.Load(a + i) - Vector512.Load(b + i));
            sum0 = Vector512.FusedMultiplyAdd(lower, lower, sum0);
            sum1 = Vector512.FusedMultiplyAdd(upper, upper, sum1);
        }
        return Vector512.Sum(sum0 + sum1);
    }

    private readonly struct ScaledDifference(float factor, bool accumulate) : IElementwise
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Apply(Vector512<float> a, Vector512<float> b, Vector512<float> d)
        {
            var difference = Vector512.Create(factor) * (a - b);
            return accumulate ? d + difference : difference;
        }
    }
}
