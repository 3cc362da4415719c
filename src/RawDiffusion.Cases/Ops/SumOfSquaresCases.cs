using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Sums of squares, of which single precision could not keep track, and of non-finite numbers.</summary>
public static class SumOfSquaresCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        .. new[] { 1, 31, 33, 1025 }.Select(n => Case($"n={n}", Constant("x", new(n)))),
        // One million small terms after a large one: each below half a unit in the last place of a single-precision sum.
        Case("small-after-large", new("x", new(1 << 20), Role.Constant, [.. Enumerable.Range(0, 1 << 20).Select(i => i == 0 ? 4096.0 : 0.5)])),
        Case("infinite", Given("x", new(5), 1, double.PositiveInfinity, 2, 3, 4)),
        Case("not-a-number", Given("x", new(5), 1, 2, 3, 4, double.NaN)),
    ];

    private static DeviceCase Case(string name, CaseTensor x) =>
        new("SumOfSquares", name, Tolerance.Elementwise, [x, Output("sum", new(1))], (device, of) => device.SumOfSquares(of["x"], of["sum"]));
}
