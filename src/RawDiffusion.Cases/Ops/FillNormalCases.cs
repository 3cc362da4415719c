using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Normal numbers: the same bits everywhere, for samples of any size, for any position of a batch in a stream.</summary>
public static class FillNormalCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("image", new(2, 4, 4, 3), 0, 0),
        Case("n=1", new(1, 1), 3, 0),
        Case("n=31", new(3, 31), 3, 5),
        Case("n=33", new(2, 33), 3, 5),
        Case("n=1025", new(2, 1025), 3, 5),
        Case("late", new(2, 7), int.MaxValue, 60000),
    ];

    private static DeviceCase Case(string name, Shape shape, int step, int firstSample) =>
        new("FillNormal", name, Tolerance.Exact, [Output("y", shape), Integers("position", step, firstSample)],
            (device, of) => device.FillNormal(of["y"], NoiseStreams.Of(of)));
}
