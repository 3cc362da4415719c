using RawDiffusion.Core;
using RawDiffusion.Cpu;

namespace RawDiffusion.UnitTests.Cpu;

/// <summary>Every op at a size that many tasks share: the same bits on 1, 2 and 3 threads, and no element of an output left unwritten.</summary>
public class CpuDeviceThreadsTests
{
    private static readonly Dictionary<string, Action<Bench>> s_ops = new()
    {
        ["Silu"] = b => b.Device.Silu(b.In(5, 100, 333), b.Out(5, 100, 333)),
        ["SiluBackward"] = b => b.Device.SiluBackward(b.In(5, 100, 333), b.In(5, 100, 333), Sink.Into(b.Out(5, 100, 333))),
        ["LinearCombination"] = b => b.Device.LinearCombination(0.3, b.In(5, 100, 333), -2, b.In(5, 100, 333), b.Out(5, 100, 333)),
        ["ConcatChannels"] = b => b.Device.ConcatChannels(b.In(7, 20, 20, 33), b.In(7, 20, 20, 48), b.Out(7, 20, 20, 81)),
        ["ConcatChannelsBackward"] = b =>
            b.Device.ConcatChannelsBackward(b.In(7, 20, 20, 81), Sink.Into(b.Out(7, 20, 20, 33)), Sink.Into(b.Out(7, 20, 20, 48)), 33),
        ["UpsampleNearest"] = b => b.Device.UpsampleNearest(b.In(3, 9, 11, 37), b.Out(3, 18, 22, 37)),
        ["UpsampleNearestBackward"] = b => b.Device.UpsampleNearestBackward(b.In(3, 18, 22, 37), Sink.Into(b.Out(3, 9, 11, 37))),
        ["GroupNorm of whole vectors"] = b => GroupNorm(b, [3, 20, 20, 96], 24, true, false),
        ["GroupNorm of odd groups"] = b => GroupNorm(b, [2, 21, 7, 93], 3, true, true),
        ["GroupNorm of one image"] = b => GroupNorm(b, [1, 28, 28, 128], 32, false, false),
        ["Attention"] = b => b.Device.Attention(b.In(3, 49, 64), b.In(3, 49, 64), b.In(3, 49, 64), b.Out(3, 49, 64), b.Out(3, 8, 49, 49), 8),
        ["AttentionBackward"] = b => b.Device.AttentionBackward(b.In(3, 49, 64), b.In(3, 49, 64), b.In(3, 49, 64), b.In(3, 49, 64), b.In(3, 8, 49, 49), Sink.Into(b.Out(3, 49, 64)), Sink.Into(b.Out(3, 49, 64)), Sink.Into(b.Out(3, 49, 64)), 8),
        ["Embedding"] = b => b.Device.Embedding(b.In(10, 130), b.Labels(200), b.Out(200, 130)),
        ["EmbeddingBackward"] = b => b.Device.EmbeddingBackward(b.In(200, 130), b.Labels(200), Sink.Into(b.Out(10, 130))),
        ["TimestepEmbedding"] = b => b.Device.TimestepEmbedding(b.In(70), b.Out(70, 130), false, 1),
        ["Dropout"] = b => b.Device.Dropout(b.In(5, 100, 333), Sink.Into(b.Out(5, 100, 333)), 0.3, b.Stream),
        ["MeanSquaredError"] = b => b.Device.MeanSquaredError(b.In(70, 1001), b.In(70, 1001), b.In(70), b.Out(70), b.Out(1)),
        ["MeanSquaredErrorBackward"] = b =>
            b.Device.MeanSquaredErrorBackward(b.In(1), b.In(70, 1001), b.In(70, 1001), b.In(70), Sink.Into(b.Out(70, 1001))),
        ["FillNormal"] = b => b.Device.FillNormal(b.Out(70, 1001), b.Stream),
        ["AddNoise"] = b => b.Device.AddNoise(b.In(70, 1001), b.In(70, 4), null, b.Stream, b.Out(70, 1001), b.Out(70, 1001)),
        ["DenoiseUpdate"] = b =>
            b.Device.DenoiseUpdate(b.In(70, 1001), b.In(70, 1001), b.In(70, 1001), b.In(7), null, b.Stream, b.Out(70, 1001), b.Out(70, 1001)),
        ["EstimateX0"] = b => b.Device.EstimateX0(b.In(70, 1001), b.In(70, 1001), b.In(1, 3), b.Out(70, 1001)),
        ["WeightedSum"] = b => b.Device.WeightedSum(b.In(70, 4), [b.In(70, 1001), b.In(70, 1001), b.In(70, 1001)], null, b.Stream, b.Out(70, 1001)),
        ["Blend"] = b => b.Device.Blend(b.In(70, 1001), b.In(70, 1001), b.In(70, 1001), b.Out(70, 1001)),
        ["SumOfSquares"] = b => b.Device.SumOfSquares(b.In(300_001), b.Out(1)),
        ["AdamStep"] = AdamStep,
        ["SumPositions"] = b => b.Device.SumPositions(b.In(3, 20, 20, 93), Sink.Into(b.Out(3, 93))),
        ["Linear"] = b => b.Device.Linear(b.In(70, 93), b.In(41, 93), b.In(41), b.In(70, 41), b.Out(70, 41)),
        ["LinearBackwardInput"] = b => b.Device.LinearBackwardInput(b.In(70, 41), b.In(41, 93), Sink.Into(b.Out(70, 93))),
        ["LinearBackwardWeight"] = b => b.Device.LinearBackwardWeight(b.In(5000, 93), b.In(5000, 41), Sink.Into(b.Out(41, 93)), Sink.Into(b.Out(41))),
        ["Conv2d"] = b => b.Device.Conv2d(b.In(3, 12, 12, 20), b.In(40, 3, 3, 20), b.In(40), b.In(3, 40), b.In(3, 12, 12, 40), b.Out(3, 12, 12, 40), Bench.Geometry),
        ["Conv2dBackwardInput"] = b =>
            b.Device.Conv2dBackwardInput(b.In(3, 12, 12, 40), b.In(40, 3, 3, 20), Sink.Into(b.Out(3, 12, 12, 20)), Bench.Geometry),
        ["Conv2dBackwardWeight"] = b =>
            b.Device.Conv2dBackwardWeight(b.In(3, 12, 12, 20), b.In(3, 12, 12, 40), Sink.Into(b.Out(40, 3, 3, 20)), Sink.Into(b.Out(40)), Bench.Geometry),
    };

    public static TheoryData<string> Ops => [.. s_ops.Keys];

    [Theory]
    [MemberData(nameof(Ops))]
    public void GivesTheSameBitsOnAnyNumberOfThreads(string op)
    {
        float[][] expected = Run(op, 1);
        Assert.All(expected, values => Assert.All(values, value => Assert.True(float.IsFinite(value), "an output element was not written")));
        foreach (int threads in (int[])[2, 3])
        {
            Assert.Equal(expected.Select(Bits), Run(op, threads).Select(Bits));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(1001)]
    public void PixelsBecomeRealNumbersWithOneRounding(int count)
    {
        using var device = new CpuDevice(2);
        var shape = new Shape(1, 1, count, 1);
        using var pixels = new Tensor(device, shape, DType.UInt8).Upload([.. Enumerable.Range(0, count).Select(i => (byte)(7 * i))]);
        using var picks = new Tensor(device, new Shape(1, 2), DType.Int32).Clear();
        using var noiseless = new Tensor(device, new Shape(1, 4)).Upload([1f, 0, 1, 0]);
        using var position = new Tensor(device, new Shape(2), DType.Int32).Clear();
        using var y = new Tensor(device, shape);
        using var target = new Tensor(device, shape);
        device.AddNoiseToPixels(pixels, picks, 0, count, noiseless, null, new RandomStream(1, RandomPurpose.Noise, position), y, target);
        Assert.Equal(pixels.ToArray<byte>().Select(p => (float)(p / 127.5 - 1)), y.ToArray());
    }

    [Fact]
    public void AnElementsBitsDoNotDependOnItsPlace()
    {
        using var device = new CpuDevice(1);
        float[] values = new float[64];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = 0.37f * i - 9;
        }
        using var whole = new Tensor(device, new Shape(64)).Upload(values);
        device.Silu(whole, whole);
        for (int start = 0; start < 20; start++)
        {
            using var part = new Tensor(device, new Shape(19)).Upload(values.AsSpan(start, 19));
            device.Silu(part, part);
            Assert.Equal(whole.ToArray()[start..(start + 19)], part.ToArray());
        }
    }

    private static int[] Bits(float[] values) => [.. values.Select(BitConverter.SingleToInt32Bits)];

    private static float[][] Run(string op, int threads)
    {
        using var device = new CpuDevice(threads) { PoisonNewTensors = true };
        using var bench = new Bench(device);
        s_ops[op](bench);
        return bench.Outputs();
    }

    private static void GroupNorm(Bench b, int[] shape, int groups, bool silu, bool scaleShift)
    {
        int n = shape[0], c = shape[^1];
        var (x, gamma, beta) = (b.In(shape), b.In(c), b.In(c));
        var scales = scaleShift ? b.In(n, 2 * c) : null;
        var (mean, rstd) = (b.Out(n, groups), b.Out(n, groups));
        b.Device.GroupNorm(x, gamma, beta, scales, b.Out(shape), mean, rstd, groups, 1e-6, silu);
        b.Device.GroupNormBackward(
            b.In(shape), x, gamma, beta, scales, mean, rstd, Sink.Into(b.Out(shape)), Sink.Into(b.Out(c)), Sink.Into(b.Out(c)),
            scaleShift ? Sink.Into(b.Out(n, 2 * c)) : Sink.None, groups, silu);
    }

    private static void AdamStep(Bench b)
    {
        const int count = 100_003;
        var (parameters, gradients, firstMoment, secondMoment, ema) = (b.Out(count), b.In(count), b.Out(count), b.Out(count), b.Out(count));
        parameters.CopyFrom(gradients);
        firstMoment.Clear();
        secondMoment.Clear();
        ema.Clear();
        using var settings = new Tensor(b.Device, new Shape((int)AdamSetting.Count)).Upload([1e-3f, .9f, .1f, .999f, .001f, 1e-8f, .1f, .03f, 1, 1e-2f]);
        var sum = b.Out(1);
        b.Device.SumOfSquares(gradients, sum);
        b.Device.AdamStep(parameters, gradients, firstMoment, secondMoment, ema, sum, settings);
    }

    /// <summary>An op's tensors: inputs of numbers that are the same in every run, and its outputs.</summary>
    private sealed class Bench(Device device) : IDisposable
    {
        private readonly List<Tensor> _inputs = [], _outputs = [];
        private readonly Random _random = new(1);

        public static ConvGeometry Geometry => new(3, 12, 12, 20, 40, 3, 1, 1, 1, 1, 1);

        public Device Device => device;

        public RandomStream Stream => new(0x123456789ABCDEF, RandomPurpose.Noise, Keep(new Tensor(device, new Shape(2), DType.Int32).Upload([3, 40])));

        public Tensor In(params int[] shape)
        {
            float[] values = new float[new Shape(shape).Count];
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = 2 * _random.NextSingle() - 1;
            }
            return Keep(new Tensor(device, new Shape(shape)).Upload(values));
        }

        public Tensor Labels(int count) =>
            Keep(new Tensor(device, new Shape(count), DType.Int32).Upload([.. Enumerable.Range(0, count).Select(i => i * i % 10)]));

        public Tensor Out(params int[] shape)
        {
            var output = new Tensor(device, new Shape(shape));
            _outputs.Add(output);
            return output;
        }

        public float[][] Outputs() => [.. _outputs.Select(t => t.ToArray())];

        public void Dispose()
        {
            foreach (var tensor in _inputs.Concat(_outputs))
            {
                tensor.Dispose();
            }
            Assert.Equal(0, device.Memory.LiveBlocks);
        }

        private Tensor Keep(Tensor tensor)
        {
            _inputs.Add(tensor);
            return tensor;
        }
    }
}
