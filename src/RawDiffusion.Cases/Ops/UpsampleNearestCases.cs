using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Doubling of odd and single-pixel images.</summary>
public static class UpsampleNearestCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
        from shape in (Shape[])[new(1, 1, 1, 1), new(2, 3, 5, 4), new(1, 4, 2, 33), new(3, 1, 7, 31)]
        select new TapeCase("UpsampleNearest", $"{shape[1]}x{shape[2]},c={shape.C}", Tolerance.Elementwise, [Differentiable("x", shape)],
            (tape, of) => tape.UpsampleNearest(of["x"]));
}
