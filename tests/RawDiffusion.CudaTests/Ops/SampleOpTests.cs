using RawDiffusion.Core;

namespace RawDiffusion.CudaTests;

/// <summary>Ops on [N, …] in places that are not aligned to whole vectors, and what the cases of every device leave open.</summary>
public class SampleOpTests
{
    private static readonly Shape Shape = new(2, 3, 4, 8);

    [Fact]
    public void ResultsDoNotDependOnTheAlignment()
    {
        using var gpu = TestGpu.Open();
        var device = gpu.Device;
        var position = gpu.Make(DType.Int32, 2).Upload([5, 11]);
        var stream = new RandomStream(77, RandomPurpose.Noise, position);
        Tensor coefficients = Fill(0, new Shape(2, 4)), update = gpu.Upload(1.1f, -0.5f, 0.7f, 0.6f, 0.4f, 0.2f, 0.3f);
        Tensor first = gpu.Make(3).Slice(0, new Shape(1, 3)).Upload([1.1f, -0.5f, 0.7f]), second = Fill(0, new Shape(2, 4), 9);
        float[][] aligned = Run(0);
        foreach (int offset in (int[])[1, 2])
        {
            Assert.Equal(aligned, Run(offset));
        }

        float[][] Run(int offset)
        {
            Tensor x = Fill(offset, Shape), other = Fill(offset, Shape, 2), large = Fill(offset, new Shape(2, 6, 8, 8), 3), loss = Fill(offset, new Shape(1), 4);
            var results = new List<float[]>();
            void Done(params Tensor[] written) => results.AddRange(written.Select(t => t.ToArray()));
            Tensor y = Fill(offset, Shape, 5), z = Fill(offset, Shape, 6), wide = Fill(offset, new Shape(2, 3, 4, 16), 7), enlarged = Fill(offset, large.Shape, 8);
            device.FillNormal(y, stream);
            Done(y);
            device.Dropout(x, Sink.Onto(y), 0.4, stream);
            Done(y);
            device.AddNoise(x, coefficients, null, stream, y, z);
            Done(y, z);
            device.DenoiseUpdate(x, other, y, update, null, stream, z, y);
            Done(y, z);
            device.EstimateX0(x, other, first, z);
            device.WeightedSum(second, [x, z, y], null, stream, y);
            Done(y, z);
            device.Blend(x, other, z, y);
            Done(y);
            device.ConcatChannels(x, other, wide);
            Done(wide);
            device.ConcatChannelsBackward(wide, Sink.Onto(y), Sink.Into(z), 8);
            Done(y, z);
            device.UpsampleNearest(x, enlarged);
            Done(enlarged);
            device.UpsampleNearestBackward(large, Sink.Onto(y));
            Done(y);
            device.MeanSquaredErrorBackward(loss, x, other, null, Sink.Onto(y));
            Done(y);
            return [.. results];
        }

        Tensor Fill(int offset, Shape shape, int seed = 1) => gpu.Make((int)shape.Count + offset).Slice(offset, shape)
            .Upload(Enumerable.Range(0, (int)shape.Count).Select(i => MathF.Sin(i * 0.37f + seed) * 2).ToArray());
    }

    [Theory]
    [InlineData(2, 1000, 40)]
    [InlineData(3, 7, 33)]
    [InlineData(1, 1, 4)]
    public void SumsOverPositions(int images, int positions, int channels)
    {
        using var gpu = TestGpu.Open();
        float[] values = [.. Enumerable.Range(0, images * positions * channels).Select(i => MathF.Sin(i * 0.37f) * 3 + 1)];
        var x = gpu.Make(values.Length).Slice(0, new Shape(images, positions, channels)).Upload(values);
        var sum = gpu.Make(images * channels).Slice(0, new Shape(images, channels));
        gpu.Device.SumPositions(x, Sink.Into(sum));
        gpu.Device.SumPositions(x, Sink.Onto(sum));
        float[] got = sum.ToArray();
        for (int i = 0; i < got.Length; i++)
        {
            double expected = 2 * Enumerable.Range(0, positions).Sum(p => (double)values[(i / channels * positions + p) * channels + i % channels]);
            Assert.Equal(expected, got[i], 1e-6 * positions);
        }
    }

    [Fact]
    public void TimestepEmbeddingsAreExactToSinglePrecisionForLargeAnglesToo()
    {
        using var gpu = TestGpu.Open();
        float[] timesteps = [0, 1e-3f, 1, 500, 999, 1000];
        const int half = 64;
        var y = gpu.Make(timesteps.Length * 2 * half).Slice(0, new Shape(timesteps.Length, 2 * half));
        gpu.Device.TimestepEmbedding(gpu.Upload(timesteps), y, flipSinToCos: false, frequencyShift: 1);
        float[] got = y.ToArray();
        for (int n = 0; n < timesteps.Length; n++)
        {
            for (int i = 0; i < half; i++)
            {
                double angle = timesteps[n] * Math.Pow(10000, -i / (half - 1.0));
                Assert.Equal(Math.Sin(angle), got[n * 2 * half + i], 3e-7 * Math.Min(1, Math.Abs(angle)));
                Assert.Equal(Math.Cos(angle), got[n * 2 * half + half + i], 3e-7);
            }
        }
    }

    [Fact]
    public void TheReverseUpdateShowsWhatIsNotANumber()
    {
        using var gpu = TestGpu.Open();
        var stream = new RandomStream(1, RandomPurpose.SamplingStep, gpu.Make(DType.Int32, 2).Upload([0, 0]));
        Tensor x = gpu.Upload(1, float.NaN, 1, 1, 1), output = gpu.Upload(0, 0, float.NaN, 0, 100), x0 = gpu.Make(5), next = gpu.Make(5);
        gpu.Device.DenoiseUpdate(x, output, null, gpu.Upload(1, 1, 2, 0, 1, 0, 0), null, stream, x0, next);
        Assert.Equal([1, float.NaN, float.NaN, 1, 2], x0.ToArray());
        Assert.Equal([1, float.NaN, float.NaN, 1, 2], next.ToArray());
    }

    /// <summary>A reverse update in one launch, and in two with whatever comes between.</summary>
    [Theory]
    [InlineData(true, 0.3f)]
    [InlineData(true, 0)]
    [InlineData(false, 0.3f)]
    public void TheFusedUpdateHasTheBitsOfItsHalves(bool multistep, float s)
    {
        using var gpu = TestGpu.Open();
        var shape = new Shape(3, 37);
        var stream = new RandomStream(1, RandomPurpose.SamplingStep, gpu.Make(DType.Int32, 2).Upload([4, 9]));
        Tensor make() => gpu.Make((int)shape.Count).Slice(0, shape);
        Tensor draw(RandomPurpose purpose)
        {
            var drawn = make();
            gpu.Device.FillNormal(drawn, stream with { Purpose = purpose });
            return drawn;
        }
        Tensor x = draw(RandomPurpose.Noise), output = draw(RandomPurpose.SamplingStart), previous = draw(RandomPurpose.Dropout), x0 = make(), next = make(), estimate = make(), apart = make();
        gpu.Device.DenoiseUpdate(x, output, multistep ? previous : null, gpu.Upload(1.2f, -0.6f, 0.9f, 0.8f, 0.3f, -0.2f, s), null, stream, x0, next);
        gpu.Device.EstimateX0(x, output, gpu.Make(3).Slice(0, new Shape(1, 3)).Upload([1.2f, -0.6f, 0.9f]), estimate);
        float[] weights = multistep ? [0.8f, 0.3f, -0.2f, s] : [0.8f, 0.3f, s];
        gpu.Device.WeightedSum(gpu.Make(weights.Length).Slice(0, new Shape(1, weights.Length)).Upload(weights), multistep ? [x, estimate, previous] : [x, estimate], null, stream, apart);
        Assert.Equal(x0.ToArray(), estimate.ToArray());
        Assert.Equal(next.ToArray(), apart.ToArray());
    }

    [Fact]
    public void AnOptimizerStepIsThreeLaunches()
    {
        using var gpu = TestGpu.Open();
        Tensor g = gpu.Upload([.. Enumerable.Repeat(0.5f, 20_000)]), norm = gpu.Make(1), settings = gpu.Make((int)AdamSetting.Count).Clear();
        Tensor p = gpu.Make(20_000).Clear(), m = gpu.Make(20_000).Clear(), v = gpu.Make(20_000).Clear(), ema = gpu.Make(20_000).Clear();
        long? before = TestGpu.Launches();
        gpu.Device.SumOfSquares(g, norm);
        gpu.Device.AdamStep(p, g, m, v, ema, norm, settings);
        Assert.Equal([5000f], norm.ToArray());
        Assert.Equal(3, TestGpu.Launches() - before ?? 3);
    }
}
