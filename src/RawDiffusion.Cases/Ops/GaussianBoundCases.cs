using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Terms of the variational bound: with and without a learned variance, with and without the mean's gradient, and the decoder inside, at and far from its bytes.</summary>
public static class GaussianBoundCases
{
    private const double Free = double.PositiveInfinity;

    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("learned", new(2, 3, 5, 3), range: true, [Row(1.1, -0.4, Free, 0.3, -4, -1, -4, BoundTerm.Divergence), Row(1.5, -1.2, Free, 0.1, -3, -2.5, -3, BoundTerm.Divergence)]),
        Case("fixed", new(3, 5, 7), range: false, [Divergence(-3, -3), Divergence(-4, -2), Divergence(-2, -2.5)], weights: true),
        Case("one-element", new(1, 1), range: true, [Divergence(-2, -1)]),
        Case("batch-33", new(33, 3), range: true, [.. Enumerable.Range(0, 33).Select(n => Divergence(-3 + n * 0.01, -1))], weights: true),
        Case("n=1025", new(2, 1025), range: true, [Divergence(-2, -1), Decoder(-2, -1.5, BoundTerm.Decoder)], weights: true),
        // Half of the estimates lie beyond ±0.5, where nothing comes back.
        Case("clipped", new(2, 31), range: true, [Row(0, 1, 0.5, 0.7, -3, -2, -3, BoundTerm.Divergence), Row(0, 1, 0.5, 1, -3, -2, -3, BoundTerm.Decoder)]),
        Case("decoder", new(2, 3, 3, 5), range: true, [Decoder(-3, -1, BoundTerm.Decoder), Decoder(0.5, 1, BoundTerm.TanhDecoder)]),
        Case("decoder-fixed", new(2, 29), range: false, [Decoder(-5, -5, BoundTerm.Decoder), Decoder(0.5, 0.5, BoundTerm.TanhDecoder)]),
        // Up to some two hundred standard deviations away.
        Case("decoder-far", new(1, 33), range: true, [Decoder(-9, -8.5, BoundTerm.Decoder)]),
        Stopped,
    ];

    /// <summary>The prediction is differentiable, but the bound has no gradient for it.</summary>
    private static TapeCase Stopped
    {
        get
        {
            Shape shape = new(2, 33);
            return new TapeCase("GaussianBound", "mean-stopped", Tolerance.Sum, Tensors(shape, true, [Divergence(-3, -1), Decoder(-3, -1, BoundTerm.Decoder)], false, Constant),
                (tape, of) => Report(tape.GaussianBound(of["prediction"], of["range"], of["xt"], of["truth"], of["rows"], stopMean: true), of));
        }
    }

    private static TapeCase Case(string name, Shape shape, bool range, double[][] rows, bool weights = false) =>
        new("GaussianBound", name, Tolerance.Sum, Tensors(shape, range, rows, weights, Differentiable),
            (tape, of) => Report(tape.GaussianBound(of["prediction"], of.Find("range"), of["xt"], of["truth"], of["rows"], of.Find("weights")), of));

    private static CaseTensor[] Tensors(Shape shape, bool range, double[][] rows, bool weights, Func<string, Shape, double, double, CaseTensor> prediction) =>
    [
        prediction("prediction", shape, 1, 0), .. range ? (CaseTensor[])[Differentiable("range", shape, 0.5)] : [],
        Constant("xt", shape), Bytes("truth", shape), Given("rows", new(shape.N, Device.BoundColumns), [.. rows.SelectMany(row => row)]),
        .. weights ? (CaseTensor[])[Constant("weights", new(shape.N), 0.5, 1)] : [],
    ];

    private static Tensor Report((Tensor Loss, Tensor PerSample) bound, CaseTensors of)
    {
        of.Report("per_sample", bound.PerSample);
        return bound.Loss;
    }

    // Values of bytes, the two outermost among them.
    private static CaseTensor Bytes(string name, Shape shape) =>
        Given(name, shape, [.. Draw(name, shape, 150, 127).Select(v => Math.Clamp(Math.Round(v), 0, 255) / 127.5 - 1)]);

    private static double[] Divergence(double low, double high) => Row(1.1, -0.4, Free, 0.3, low, high, low, BoundTerm.Divergence);

    /// <summary>A row by which prediction and target are x_0 themselves.</summary>
    private static double[] Decoder(double low, double high, BoundTerm term) => Row(0, 1, Free, 1, low, high, low, term);

    private static double[] Row(double p, double q, double clip, double scale, double low, double high, double posterior, BoundTerm term) =>
        [p, q, clip, scale, low, high, posterior, (double)term];
}
