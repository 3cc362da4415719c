using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Sums over the positions of an image: ragged extents, overwriting and adding.</summary>
public static class SumPositionsCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        .. from shape in (Core.Shape[])[new(2, 3, 5, 7), new(3, 9, 33), new(1, 17, 19, 8), new(2, 1, 1, 31)]
           from accumulate in (bool[])[false, true]
           select Case(shape, accumulate),
    ];

    private static DeviceCase Case(Core.Shape shape, bool accumulate) =>
        new("SumPositions", $"{string.Join('x', shape.ToArray())}{(accumulate ? ",onto" : "")}", Tolerance.Sum,
            [Constant("x", shape), accumulate ? State("sum", new(shape.N, shape.C)) : Output("sum", new(shape.N, shape.C))],
            (device, of) => device.SumPositions(of["x"], new(of["sum"], accumulate)));
}
