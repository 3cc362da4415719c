using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Estimates of the data: clipped and not, in place of what they are made from.</summary>
public static class EstimateX0Cases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("clip", new(3, 5, 7, 1), 1),
        Case("clip=0.5,n=1025", new(1, 1025), 0.5),
        Case("no-clip", new(2, 33), double.PositiveInfinity),
        new DeviceCase("EstimateX0", "onto-x", Tolerance.Elementwise, [State("x", new(3, 31)), Constant("output", new(3, 31)), Numbers(1)],
            (device, of) => device.EstimateX0(of["x"], of["output"], of["coefficients"], of["x"])),
        new DeviceCase("EstimateX0", "onto-output", Tolerance.Elementwise, [Constant("x", new(3, 31)), State("output", new(3, 31)), Numbers(1)],
            (device, of) => device.EstimateX0(of["x"], of["output"], of["coefficients"], of["output"])),
    ];

    private static CaseTensor Numbers(double clip) => Given("coefficients", new(1, 3), 1.2, -0.6, clip);

    private static DeviceCase Case(string name, Shape shape, double clip) => new("EstimateX0", name, Tolerance.Elementwise,
        [Constant("x", shape), Constant("output", shape), Numbers(clip), Output("x0", shape)],
        (device, of) => device.EstimateX0(of["x"], of["output"], of["coefficients"], of["x0"]));
}
