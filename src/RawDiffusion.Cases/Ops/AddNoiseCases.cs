using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>The forward process, with noise given and noise drawn.</summary>
public static class AddNoiseCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
        from shape in (Shape[])[new(1, 1), new(3, 5, 7, 3), new(2, 33), new(2, 1025)]
        from given in (bool[])[true, false]
        select Case($"{(given ? "given" : "drawn")},{shape.ToString().Replace(" ", "")}", shape, given);

    private static DeviceCase Case(string name, Shape shape, bool given)
    {
        CaseTensor[] optional = given ? [Constant("noise", shape)] : [];
        return new DeviceCase("AddNoise", name, Tolerance.Elementwise,
            [Constant("x0", shape), Constant("coefficients", new(shape.N, 4)), Integers("position", 2, 7), .. optional, Output("xt", shape), Output("target", shape)],
            (device, of) => device.AddNoise(of["x0"], of["coefficients"], of.Find("noise"), NoiseStreams.Of(of), of["xt"], of["target"]));
    }
}
