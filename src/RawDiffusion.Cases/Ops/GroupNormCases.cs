using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Group normalisation: group sizes of 1 and 3 channels, ragged extents, and each fused part.</summary>
public static class GroupNormCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("plain", new(2, 4, 4, 8), groups: 2),
        Case("silu", new(2, 3, 5, 6), groups: 2, silu: true),
        Case("scale-shift", new(2, 3, 3, 4), groups: 2, scaleShift: true),
        Case("silu,scale-shift", new(3, 2, 3, 12), groups: 4, silu: true, scaleShift: true),
        Case("silu,scale-shift,c=33,groups-of-3", new(2, 5, 3, 33), groups: 11, silu: true, scaleShift: true),
        Case("silu,c=33,groups-of-1", new(1, 3, 5, 33), groups: 33, silu: true),
        Case("c=31,one-group", new(3, 3, 3, 31), groups: 1),
        Case("c=1", new(2, 5, 7, 1), groups: 1, silu: true),
        Case("tokens", new(2, 7, 16), groups: 4),
        Case("vectors", new(5, 12), groups: 3, silu: true, scaleShift: true),
        Case("batch-19", new(19, 1, 2, 4), groups: 2, silu: true, scaleShift: true),
        Case("many-positions", new(1, 17, 19, 8), groups: 2, silu: true),
        Case("large-mean", new(2, 6, 6, 8), groups: 2, mean: 40, tolerance: Tolerance.Elementwise with { Float32 = 1e-4 }),
        // No variance at all: 1/√eps multiplies whatever rounding is left of x − mean.
        Case("constant-groups", new(2, 1, 1, 4), groups: 4, silu: true, scaleShift: true, tolerance: Tolerance.Sum with { Float32 = 1e-4, Floor = 1 }),
        new TapeCase("GroupNorm", "constant-input", Tolerance.Sum,
            [Constant("x", new(2, 3, 3, 4)), Differentiable("gamma", new(4)), Differentiable("beta", new(4))],
            (tape, of) => tape.GroupNorm(of["x"], of["gamma"], of["beta"], 2, 1e-5, silu: true)),
    ];

    private static TapeCase Case(string name, Shape shape, int groups, bool silu = false, bool scaleShift = false, double mean = 0.5, Tolerance? tolerance = null)
    {
        int c = shape.C;
        CaseTensor[] tensors = [Differentiable("x", shape, mean: mean), Differentiable("gamma", new(c), 0.5, 1), Differentiable("beta", new(c), 0.5)];
        CaseTensor[] optional = scaleShift ? [Differentiable("scaleShift", new(shape.N, 2 * c), 0.5)] : [];
        return new TapeCase("GroupNorm", name, tolerance ?? Tolerance.Sum, [.. tensors, .. optional],
            (tape, of) => tape.GroupNorm(of["x"], of["gamma"], of["beta"], groups, 1e-5, silu, of.Find("scaleShift")));
    }
}
