using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Fully connected layers over vectors, tokens and images, with ragged extents in every dimension of the product.</summary>
public static class LinearCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("plain", new(4, 8), 16),
        Case("bias", new(3, 5), 7, "bias"),
        Case("bias,residual", new(2, 3, 4), 6, "bias,residual"),
        Case("image,bias", new(2, 3, 5, 4), 9, "bias"),
        Case("one-by-one", new(1, 1), 1, "bias"),
        Case("one-row", new(1, 33), 31, "bias,residual"),
        Case("one-column", new(31, 33), 1, "bias"),
        Case("one-channel", new(33, 1), 31, "bias"),
        Case("m=33,k=31,n=65", new(33, 31), 65, "bias"),
        Case("m=70,k=67,n=35", new(70, 67), 35, "bias,residual"),
        new TapeCase("Linear", "frozen-weights", Tolerance.Sum,
            [Differentiable("x", new(3, 4)), Constant("w", new(5, 4)), Differentiable("bias", new(5))],
            (tape, of) => tape.Linear(of["x"], of["w"], of["bias"])),
    ];

    private static TapeCase Case(string name, Shape x, int n, string parts = "")
    {
        CaseTensor[] possible = [Differentiable("bias", new(n)), Differentiable("residual", x.WithChannels(n))];
        return new TapeCase("Linear", name, Tolerance.Sum,
            [
                Differentiable("x", x), Differentiable("w", new(n, x.C), 1 / Math.Sqrt(x.C)),
                .. possible.Where(t => parts.Split(',').Contains(t.Name)),
            ],
            (tape, of) => tape.Linear(of["x"], of["w"], of.Find("bias"), of.Find("residual")));
    }
}
