using RawDiffusion.Core;

namespace RawDiffusion.Cases;

/// <summary>A tensor's content after a run.</summary>
/// <param name="Name">The tensor's name; <c>∂x</c> for the gradient of x.</param>
/// <param name="Shape">Its extents.</param>
/// <param name="Values">Its elements.</param>
public sealed record CaseResult(string Name, Shape Shape, double[] Values)
{
    /// <summary>How far each element is from what is expected, in units of the expected tensor's root mean square, or of the tolerance's floor if that is larger.</summary>
    /// <param name="expected">The same tensor, as it should be.</param>
    /// <param name="tolerance">The case's.</param>
    /// <returns>0 for equal numbers; infinite where only one is a number.</returns>
    public double[] Errors(CaseResult expected, Tolerance tolerance)
    {
        double unit = Math.Max(RootMeanSquare(expected.Values), tolerance.Floor);
        return [.. Values.Zip(expected.Values, (got, wanted) => Error(got, wanted) / unit)];
    }

    private static double Error(double got, double expected) =>
        got.Equals(expected) ? 0 : double.IsFinite(got - expected) ? Math.Abs(got - expected) : double.PositiveInfinity;

    private static double RootMeanSquare(double[] values) => Math.Sqrt(values.Where(double.IsFinite).Sum(v => v * v) / values.Length);
}
