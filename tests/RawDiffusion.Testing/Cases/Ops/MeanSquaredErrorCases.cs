using RawDiffusion.Core;
using static RawDiffusion.Testing.CaseTensor;

namespace RawDiffusion.Testing;

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
        Case("n=1025", new(2, 1025), weights: true),
    ];

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
