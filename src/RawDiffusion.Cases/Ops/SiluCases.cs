using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>SiLU over its whole range.</summary>
public static class SiluCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        .. new[] { 1, 7, 31, 33, 1025 }.Select(n => Case($"n={n}", Differentiable("x", new(1, n)))),
        Case("image", Differentiable("x", new(2, 3, 5, 7), scale: 3)),
        Case("far-out", Given("x", new(1, 12), -1000, -104, -88, -87, -20, -1e-30, 0, 1e-30, 20, 88, 104, 1000) with { Role = Role.Differentiable }),
    ];

    private static TapeCase Case(string name, CaseTensor x) => new("Silu", name, Tolerance.Elementwise, [x], (tape, of) => tape.Silu(of["x"]));
}
