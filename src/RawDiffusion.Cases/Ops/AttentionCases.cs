using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Attention with one head and several, ragged tokens and channels, and scores far apart.</summary>
public static class AttentionCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("one-head", new(2, 3, 3, 8), 1),
        Case("two-heads", new(2, 2, 3, 8), 2),
        Case("heads-of-1", new(1, 5, 4), 4),
        Case("three-heads,c=33", new(1, 3, 5, 33), 3),
        Case("c=31", new(2, 7, 31), 1),
        Case("one-token", new(3, 1, 1, 4), 2),
        Case("t=33", new(1, 33, 6), 2),
        Case("t=64", new(2, 8, 8, 16), 1),
        // Scores of several hundred, whose exponentials overflow unless the largest is subtracted first.
        Case("large-scores", new(2, 6, 4), 2, scale: 20, Tolerance.Sum with { Float32 = 1e-4, Floor = 1 }),
        // Every score is about −170: no exponential of one is above zero unless the largest is subtracted first.
        new TapeCase("Attention", "scores-far-below-zero", Tolerance.Sum with { Float32 = 1e-4, Floor = 1 },
            [Differentiable("q", new(2, 6, 6), 0.3, mean: 10), Differentiable("k", new(2, 6, 6), 0.3, mean: -10), Differentiable("v", new(2, 6, 6))],
            (tape, of) => tape.Attention(of["q"], of["k"], of["v"], 2)),
        new TapeCase("Attention", "one-tensor-for-all", Tolerance.Sum, [Differentiable("x", new(2, 5, 6))],
            (tape, of) => tape.Attention(of["x"], of["x"], of["x"], 2)),
        new TapeCase("Attention", "constant-keys", Tolerance.Sum, [Differentiable("q", new(2, 5, 6)), Constant("k", new(2, 5, 6)), Differentiable("v", new(2, 5, 6))],
            (tape, of) => tape.Attention(of["q"], of["k"], of["v"], 2)),
    ];

    private static TapeCase Case(string name, Shape shape, int heads, double scale = 1, Tolerance? tolerance = null) =>
        new("Attention", name, tolerance ?? Tolerance.Sum, [Differentiable("q", shape, scale), Differentiable("k", shape, scale), Differentiable("v", shape)],
            (tape, of) => tape.Attention(of["q"], of["k"], of["v"], heads));
}
