using RawDiffusion.Core;

namespace RawDiffusion.Trainer.Commands;

/// <summary>An op's result on a device, compared with the CPU's.</summary>
/// <param name="Op">The op.</param>
/// <param name="Error">The largest difference in what it computes, gradients included, in units of the CPU's largest value in the same tensor.</param>
/// <param name="Allowed">What rounding may make of it.</param>
internal readonly record struct KernelVerdict(string Op, double Error, double Allowed)
{
    /// <summary>Whether the difference is no more than rounding. One that is not a number is more.</summary>
    public bool IsWell => Error <= Allowed;

    /// <inheritdoc/>
    public override string ToString() => $"error {Error:0.0e+00}, allowed {Allowed:0.0e+00}   {(IsWell ? "well" : "WRONG")}";
}

/// <summary>Runs every op of the contract, forward and backward, on small ragged tensors of random numbers. An op is a line of <see cref="Ops"/>.</summary>
internal static class KernelCheck
{
    // Sums of a thousand products, and the sine of an angle of up to a thousand.
    private const double Elementwise = 1e-5, Sum = 1e-4, LargeAngle = 1e-3;

    private static readonly (string Op, double Allowed, Func<Scene, Tensor> Run)[] Ops =
    [
        ("Conv2d 3×3", Sum, s => s.Tape.Conv2d(s["x", 2, 7, 5, 12], s["w", 36, 3, 3, 12], s["bias", 36], channelAdd: s["add", 2, 36], residual: s["residual", 2, 7, 5, 36])),
        ("Conv2d 3×3, many channels", Sum, s => s.Tape.Conv2d(s["x", 1, 9, 8, 64], s["w", 130, 3, 3, 64], s["bias", 130])),
        ("Conv2d, stride 2", Sum, s => s.Tape.Conv2d(s["x", 2, 9, 7, 8], s["w", 16, 3, 3, 8], s["bias", 16], stride: 2)),
        ("Conv2d from 3 channels", Sum, s => s.Tape.Conv2d(s["x", 2, 8, 8, 3], s["w", 33, 3, 3, 3], s["bias", 33])),
        ("Conv2d to 3 channels", Sum, s => s.Tape.Conv2d(s["x", 2, 8, 8, 40], s["w", 3, 3, 3, 40], s["bias", 3])),
        ("Linear", Sum, s => s.Tape.Linear(s["x", 33, 31], s["w", 17, 31], s["bias", 17], s["residual", 33, 17])),
        ("GroupNorm", Sum, s => s.Tape.GroupNorm(s["x", 2, 7, 5, 12], s["gamma", 12], s["beta", 12], 4, 1e-5)),
        ("GroupNorm + SiLU + scale, shift", Sum, s => s.Tape.GroupNorm(s["x", 2, 4, 4, 20], s["gamma", 20], s["beta", 20], 5, 1e-5, silu: true, scaleShift: s["scale", 2, 40])),
        ("Attention", Sum, s => s.Tape.Attention(s["q", 2, 3, 5, 24], s["k", 2, 3, 5, 24], s["v", 2, 3, 5, 24], 3)),
        ("Silu", Elementwise, s => s.Tape.Silu(s["x", 3, 33])),
        ("UpsampleNearest", Elementwise, s => s.Tape.UpsampleNearest(s["x", 2, 3, 5, 7])),
        ("ConcatChannels", Elementwise, s => s.Tape.ConcatChannels(s["a", 2, 3, 3, 5], s["b", 2, 3, 3, 8])),
        ("LinearCombination", Elementwise, s => s.Tape.LinearCombination(0.5, s["x", 3, 31], -2, s["z", 3, 31])),
        ("Embedding", Elementwise, s => s.Tape.Embedding(s["table", 5, 12], s.Integers("labels", 3, 0, 3))),
        ("TimestepEmbedding", LargeAngle, s => s.Tape.TimestepEmbedding(s.Constant("t", [0, 1, 500, 999], 4), 32, true, 0)),
        ("Dropout", Elementwise, s => s.Tape.Dropout(s["x", 3, 33], 0.3, s.Stream(RandomPurpose.Dropout))),
        ("FillNormal", Elementwise, s => s.Made("y", y => s.Device.FillNormal(y, s.Stream(RandomPurpose.Noise)), 3, 33)),
        ("AddNoise", Elementwise, s => s.Made("xt", xt => s.Device.AddNoise(s["x0", 3, 33], s["abcd", 3, 4], null, s.Stream(RandomPurpose.Noise), xt, s["target", 3, 33]), 3, 33)),
        ("AddNoiseToPixels", Elementwise, s => s.Made("xt", xt => s.Device.AddNoiseToPixels(
            s.Bytes("pixels", 2, 5, 6, 3), s.Integers("picks", [2, 2], 1, 1, 0, 0), 1, 4, s["abcd", 2, 4], null, s.Stream(RandomPurpose.Noise), xt,
                s["target", 2, 5, 6, 3]), 2, 5, 6, 3)),
        ("DenoiseUpdate", Elementwise, s => s.Made("next", next => s.Device.DenoiseUpdate(
            s["x", 3, 33], s["output", 3, 33], s["x̂0", 3, 33], s["coefficients", 7], null, s.Stream(RandomPurpose.SamplingStep), s["x̂0", 3, 33], next), 3, 33)),
        ("EstimateX0", Elementwise, s => s.Made("x0", x0 => s.Device.EstimateX0(s["x", 3, 33], s["output", 3, 33], s.Constant("pqc", [0.7, -0.4, 0.5], 1, 3), x0), 3, 33)),
        ("WeightedSum", Elementwise, s => s.Made("y", y => s.Device.WeightedSum(
            s["weights", 3, 4], [s["x", 3, 33], s["z", 3, 33], s["x̂0", 3, 33]], null, s.Stream(RandomPurpose.SamplingStep), y), 3, 33)),
        ("Blend", Elementwise, s => s.Made("y", y => s.Device.Blend(s["mask", 3, 33], s["x", 3, 33], s["z", 3, 33], y), 3, 33)),
        ("SumOfSquares", Sum, s => s.Made("sum", sum => s.Device.SumOfSquares(s["x", 20_000], sum), 1)),
        ("AdamStep", Elementwise, s => s.Made("copy", copy =>
        {
            s.Device.AdamStep(
                s["p", 33], s["g", 33], s["m", 33], s.Constant("v", [.. Enumerable.Range(1, 33).Select(i => i * 0.01)], 33), s["ema", 33], s.Constant("‖g‖²", [12], 1),
                s.Constant("settings", [1e-2, 0.9, 0.1, 0.999, 0.001, 1e-8, 0.1, 0.03, 1, 0.01], (int)AdamSetting.Count));
            copy.CopyFrom(s["p", 33]);
        }, 33)),
    ];

    /// <summary>Compares each op.</summary>
    /// <param name="device">The device in question.</param>
    /// <param name="cpu">The yardstick.</param>
    /// <param name="allowance">A factor on what is allowed: 1 for float32.</param>
    public static IEnumerable<KernelVerdict> Compare(Device device, Device cpu, double allowance = 1) =>
        Ops.Select(op => new KernelVerdict(op.Op, Difference(Run(op.Run, cpu), Run(op.Run, device)), allowance * op.Allowed));

    /// <summary>The largest difference between two lists of tensors, each in units of the first one's largest value.</summary>
    internal static double Difference(IReadOnlyList<float[]> expected, IReadOnlyList<float[]> found)
    {
        double worst = 0;
        foreach (var (e, f) in expected.Zip(found))
        {
            double scale = Math.Max(1e-6, e.Max(v => Math.Abs((double)v)));
            foreach (var (a, b) in e.Zip(f))
            {
                double error = Math.Abs((double)a - b) / scale;
                worst = error <= worst ? worst : error;
            }
        }
        return worst;
    }

    // What the op made, every tensor that it was given (some are outputs), and every gradient.
    private static List<float[]> Run(Func<Scene, Tensor> op, Device device)
    {
        using var scene = new Scene(device);
        var y = op(scene);
        List<float[]> results = [y.ToArray(), .. scene.Contents()];
        if (y.RequiresGradient)
        {
            using var cotangent = new Tensor(device, y.Shape, null, "cotangent").Upload(Scene.Draw("cotangent", y.Shape.Count));
            scene.Tape.Backward(y, cotangent);
            results.AddRange(scene.Gradients());
        }
        return results;
    }

    /// <summary>A tape, and tensors whose numbers follow from their names.</summary>
    private sealed class Scene(Device device) : IDisposable
    {
        private readonly Dictionary<string, Tensor> _tensors = [];

        public Device Device => device;

        public Tape Tape { get; } = new(device, recording: true);

        /// <summary>A tensor of random numbers that takes a gradient.</summary>
        public Tensor this[string name, params int[] extents]
        {
            get
            {
                if (!_tensors.TryGetValue(name, out var tensor))
                {
                    tensor = Add(name, null, extents).Upload(Draw(name, new Shape(extents).Count));
                    tensor.RequiresGradient = true;
                }
                return tensor;
            }
        }

        public Tensor Constant(string name, double[] values, params int[] extents) => Add(name, null, extents).Upload(values);

        public Tensor Integers(string name, params int[] values) => Integers(name, [values.Length], values);

        public Tensor Integers(string name, int[] extents, params int[] values) => Add(name, DType.Int32, extents).Upload(values);

        public Tensor Bytes(string name, params int[] extents) =>
            Add(name, DType.UInt8, extents).Upload([.. Enumerable.Range(0, (int)new Shape(extents).Count).Select(i => (byte)(i * 37))]);

        /// <summary>An op's output where the tape does not make it.</summary>
        public Tensor Made(string name, Action<Tensor> run, params int[] extents)
        {
            var tensor = Add(name, null, extents);
            run(tensor);
            return tensor;
        }

        public RandomStream Stream(RandomPurpose purpose) => new(7, purpose, _tensors.GetValueOrDefault("position") ?? Integers("position", 3, 1));

        /// <summary>The contents of all real tensors.</summary>
        public IEnumerable<float[]> Contents() => _tensors.Values.Where(t => t.DType == device.Real).Select(t => t.ToArray());

        /// <summary>The gradients of all tensors that take one, after the tape ran backward.</summary>
        public IEnumerable<float[]> Gradients() => _tensors.Values.Where(t => t.RequiresGradient).Select(t => Tape.Gradient(t).ToArray());

        public void Dispose()
        {
            Tape.Dispose();
            foreach (var tensor in _tensors.Values)
            {
                tensor.Dispose();
            }
        }

        /// <summary>Numbers between −1 and 1 that follow from a name.</summary>
        public static double[] Draw(string name, long count)
        {
            var random = new Random(name.Aggregate(17, (hash, letter) => unchecked(31 * hash + letter)));
            return [.. Enumerable.Range(0, (int)count).Select(_ => 2 * random.NextDouble() - 1)];
        }

        private Tensor Add(string name, DType? type, int[] extents) => _tensors[name] = new Tensor(device, new Shape(extents), type, name);
    }
}
