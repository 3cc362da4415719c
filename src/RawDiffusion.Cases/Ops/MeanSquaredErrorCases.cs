using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Losses with and without weights for each sample.</summary>
public static class MeanSquaredErrorCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("plain", new(2, 3, 5, 3)),
        Case("weights", new(3, 5, 7), weights: true),
        Case("one-element", new(1, 1)),
        Case("batch-33", new(33, 3), weights: true),
        ForwardOnly("batch-257", Constant("prediction", new(257, 1)), Constant("truth", new(257, 1)), Constant("weights", new(257), 0.5, 1)),
        Case("n=1025", new(2, 1025), weights: true),
        Case("n=4099", new(2, 4099)),
        SmallAfterLarge,
    ];

    /// <summary>Large differences come first, wherever a device's threads start; a single-precision sum of squares would lose all that follow.</summary>
    private static DeviceCase SmallAfterLarge
    {
        get
        {
            Shape shape = new(1, 1 << 18);
            double[] values = [.. Enumerable.Range(0, (int)shape.Count).Select(i => i < 2048 && i % 4 == 0 ? 4096 : (double)0.45f)];
            return ForwardOnly("small-after-large", new CaseTensor("prediction", shape, Role.Constant, values),
                new CaseTensor("truth", shape, Role.Constant, new double[shape.Count]));
        }
    }

    private static DeviceCase ForwardOnly(string name, CaseTensor prediction, params CaseTensor[] others) =>
        new("MeanSquaredError", name, Tolerance.Elementwise, [prediction, .. others, Output("per_sample", new(prediction.Shape.N)), Output("loss", new(1))],
            (device, of) => device.MeanSquaredError(of["prediction"], of["truth"], of.Find("weights"), of["per_sample"], of["loss"]));

    private static TapeCase Case(string name, Shape shape, bool weights = false)
    {
        CaseTensor[] optional = weights ? [Constant("weights", new(shape.N), 0.5, 1)] : [];
        return new TapeCase("MeanSquaredError", name, Tolerance.Sum, [Differentiable("prediction", shape), Constant("truth", shape), .. optional], (tape, of) =>
        {
            var (loss, perSample) = tape.MeanSquaredError(of["prediction"], of["truth"], of.Find("weights"));
            of.Report("per_sample", perSample);
            return loss;
        });
    }
}
