using RawDiffusion.Core;

namespace RawDiffusion.CudaTests;

/// <summary>
/// Kernels read and write whole vectors where every tensor allows it: here each tensor in turn, and no other, lies half a vector off, as a slice
/// may. All extents are multiples of four, so that nothing else keeps a kernel from vectors.
/// </summary>
public class AlignmentTests
{
    private static readonly Shape Image = new(2, 3, 4, 8);

    private static readonly Dictionary<string, Action<Operands>> Ops = new()
    {
        ["LinearCombination"] = t => t.Device.LinearCombination(0.5, t.Next(Image), -2, t.Next(Image), t.Next(Image)),
        ["LinearCombination of one"] = t => t.Device.LinearCombination(0.5, t.Next(Image), 0, null, t.Next(Image)),
        ["Silu"] = t => t.Device.Silu(t.Next(Image), t.Next(Image)),
        ["SiluBackward"] = t => t.Device.SiluBackward(t.Next(Image), t.Next(Image), Sink.Onto(t.Next(Image))),
        ["Dropout"] = t => t.Device.Dropout(t.Next(Image), Sink.Onto(t.Next(Image)), 0.4, t.Stream),
        ["FillNormal"] = t => t.Device.FillNormal(t.Next(Image), t.Stream),
        ["AddNoise"] = t => t.Device.AddNoise(t.Next(Image), t.Fixed(2, 4), t.Next(Image), t.Stream, t.Next(Image), t.Next(Image)),
        ["AddNoiseToPixels"] = t => t.Device.AddNoiseToPixels(
            t.NextBytes(Image), t.Integers(1, 0, 0, 0), 0, 4, t.Fixed(2, 4), t.Next(Image), t.Stream, t.Next(Image), t.Next(Image)),
        ["DenoiseUpdate"] = t => t.Device.DenoiseUpdate(
            t.Next(Image), t.Next(Image), t.Next(Image), t.Fixed(7), t.Next(Image), t.Stream, t.Next(Image), t.Next(Image)),
        ["EstimateX0"] = t => t.Device.EstimateX0(t.Next(Image), t.Next(Image), t.Fixed(1, 3), t.Next(Image)),
        ["WeightedSum"] = t => t.Device.WeightedSum(t.Fixed(2, 4), [t.Next(Image), t.Next(Image), t.Next(Image)], t.Next(Image), default, t.Next(Image)),
        ["WeightedSum, drawn"] = t => t.Device.WeightedSum(t.Fixed(1, 2), [t.Next(Image)], null, t.Stream, t.Next(Image)),
        ["Blend"] = t => t.Device.Blend(t.Next(Image), t.Next(Image), t.Next(Image), t.Next(Image)),
        ["ConcatChannels"] = t => t.Device.ConcatChannels(t.Next(Image), t.Next(Image.WithChannels(4)), t.Next(Image.WithChannels(12))),
        ["ConcatChannelsBackward"] = t => t.Device.ConcatChannelsBackward(t.Next(Image.WithChannels(12)), Sink.Onto(t.Next(Image)), Sink.Onto(t.Next(Image.WithChannels(4))), 8),
        ["UpsampleNearest"] = t => t.Device.UpsampleNearest(t.Next(Image), t.Next(new(2, 6, 8, 8))),
        ["UpsampleNearestBackward"] = t => t.Device.UpsampleNearestBackward(t.Next(new(2, 6, 8, 8)), Sink.Onto(t.Next(Image))),
        ["MeanSquaredError"] = t => t.Device.MeanSquaredError(t.Next(Image), t.Next(Image), t.Next(new(2)), t.Next(new(2)), t.Next(new(1))),
        ["MeanSquaredErrorBackward"] = t => t.Device.MeanSquaredErrorBackward(t.Fixed(1), t.Next(Image), t.Next(Image), t.Next(new(2)), Sink.Onto(t.Next(Image))),
        ["SumPositions"] = t => t.Device.SumPositions(t.Next(Image), Sink.Onto(t.Next(new(2, 8)))),
        ["SumOfSquares"] = t => t.Device.SumOfSquares(t.Next(Image), t.Next(new(1))),
        ["AdamStep"] = t => t.Device.AdamStep(
            t.Next(Image), t.Next(Image), t.Next(Image), t.NextPositive(Image), t.Next(Image), t.Fixed(1), t.Fixed((int)AdamSetting.Count)),
        ["Embedding"] = t => t.Device.Embedding(t.Next(new(3, 8)), t.Integers(2, 0), t.Next(new(2, 8))),
        ["EmbeddingBackward"] = t => t.Device.EmbeddingBackward(t.Next(new(2, 8)), t.Integers(2, 0), Sink.Onto(t.Next(new(3, 8)))),
        ["Attention"] = t => t.Device.Attention(t.Next(Image), t.Next(Image), t.Next(Image), t.Next(Image), t.Next(new(2, 2, 12, 12)), heads: 2),
        ["Linear"] = t => t.Device.Linear(t.Next(new(4, 12)), t.Next(new(8, 12)), t.Next(new(8)), t.Next(new(4, 8)), t.Next(new(4, 8))),
        ["LinearBackwardWeight"] = t => t.Device.LinearBackwardWeight(t.Next(new(4, 12)), t.Next(new(4, 8)), Sink.Onto(t.Next(new(8, 12))), Sink.Onto(t.Next(new(8)))),
        ["GroupNorm"] = t => t.Device.GroupNorm(
            t.Next(Image), t.Next(new(8)), t.Next(new(8)), t.Next(new(2, 16)), t.Next(Image), t.Next(new(2, 2)), t.Next(new(2, 2)), groups: 2, 1e-5, silu: true),
        ["GroupNormBackward"] = t => t.Device.GroupNormBackward(t.Next(Image), t.Next(Image), t.Next(new(8)), t.Next(new(8)), t.Next(new(2, 16)), t.Next(new(2, 2)), t.NextPositive(new(2, 2)), Sink.Onto(t.Next(Image)), Sink.Onto(t.Next(new(8))), Sink.Onto(t.Next(new(8))), Sink.Onto(t.Next(new(2, 16))), groups: 2, silu: true),
        // A sum of 72 products at once, and one of 288 in two parts.
        ["Conv2d"] = t => Conv2d(t, 8),
        ["Conv2d in parts"] = t => Conv2d(t, 32),
        ["Conv2dBackwardInput"] = t => t.Device.Conv2dBackwardInput(t.Next(new(2, 3, 4, 12)), t.Next(new(12, 3, 3, 8)), Sink.Onto(t.Next(Image)), Geometry(8)),
        ["Conv2dBackwardWeight"] = t => t.Device.Conv2dBackwardWeight(t.Next(Image), t.Next(new(2, 3, 4, 12)), Sink.Onto(t.Next(new(12, 3, 3, 8))), Sink.Onto(t.Next(new(12))), Geometry(8)),
    };

    public static TheoryData<string> Names => new(Ops.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public void AnyTensorMayLieBesideTheVectors(string op)
    {
        using var gpu = TestGpu.Open();
        var aligned = Run(misplaced: -1);
        for (int i = 0; i < aligned.Count; i++)
        {
            var got = Run(misplaced: i);
            for (int k = 0; k < aligned.Count; k++)
            {
                Assert.All(aligned[k].Zip(got[k]), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * Math.Max(1, Math.Abs(pair.First))));
            }
        }

        List<float[]> Run(int misplaced)
        {
            var operands = new Operands(gpu, misplaced);
            Ops[op](operands);
            return operands.Contents();
        }
    }

    private static ConvGeometry Geometry(int inputs) => ConvGeometry.Symmetric(2, 3, 4, inputs, 12);

    private static void Conv2d(Operands t, int inputs)
    {
        Shape y = new(2, 3, 4, 12);
        t.Device.Conv2d(t.Next(Image.WithChannels(inputs)), t.Next(new(12, 3, 3, inputs)), t.Next(new(12)), t.Next(new(2, 12)), t.Next(y), t.Next(y), Geometry(inputs));
    }

    /// <summary>Makes an op's tensors with the same content every time, all of them aligned but for one.</summary>
    private sealed class Operands(TestGpu gpu, int misplaced)
    {
        private readonly List<Tensor> _tensors = [];

        public Device Device => gpu.Device;

        public RandomStream Stream => new(77, RandomPurpose.Noise, Integers(5, 11));

        /// <summary>One that may be misplaced.</summary>
        public Tensor Next(Shape shape) => Add(DType.Float32, shape).Upload(Numbers(shape));

        public Tensor NextPositive(Shape shape) => Add(DType.Float32, shape).Upload([.. Numbers(shape).Select(value => 1 + MathF.Abs(value))]);

        public Tensor NextBytes(Shape shape) => Add(DType.UInt8, shape).Upload([.. Enumerable.Range(0, (int)shape.Count).Select(i => (byte)(i * 37))]);

        /// <summary>One that is read number by number: between 0.1 and 1.</summary>
        public Tensor Fixed(params int[] extents)
        {
            Shape shape = new(extents);
            return gpu.Make((int)shape.Count).Slice(0, shape).Upload([.. Numbers(shape).Select(value => 0.55f + 0.22f * value)]);
        }

        public Tensor Integers(params int[] values) => gpu.Make(DType.Int32, values.Length).Slice(0, values.Length > 2 ? new(2, 2) : new(values.Length)).Upload(values);

        public List<float[]> Contents() => [.. _tensors.Select(t => t.DType == DType.UInt8 ? [] : t.ToArray())];

        private Tensor Add(DType type, Shape shape)
        {
            int offset = _tensors.Count == misplaced ? 2 : 0;
            var tensor = gpu.Make(type, (int)shape.Count + offset).Slice(offset, shape);
            _tensors.Add(tensor);
            return tensor;
        }

        private float[] Numbers(Shape shape) => [.. Enumerable.Range(0, (int)shape.Count).Select(i => MathF.Sin(i * 0.37f + _tensors.Count) * 2)];
    }
}
