using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>The reverse update: clipping, multistep history, noise given, drawn and absent, in place.</summary>
public static class DenoiseUpdateCases
{
    private static readonly Shape _shape = new(3, 5, 7, 1);

    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("drawn,clip", clip: 1, s: 0.4),
        Case("given,clip", clip: 0.5, s: 0.4, Constant("noise", _shape)),
        Case("given,no-clip", clip: double.PositiveInfinity, s: 0.4, Constant("noise", _shape)),
        Case("previous", clip: 1, s: 0, Constant("previousX0", _shape)),
        Case("previous,drawn,x0", clip: 1, s: 0.7, Constant("previousX0", _shape), Output("x0", _shape)),
        Case("no-noise", clip: 1, s: 0, Output("x0", _shape)),
        Case("no-noise,does-not-look-at-it", clip: 1, s: 0, NotANumber("noise")),
        Case("in-place", clip: 1, s: 0.7, State("next", _shape), Output("x0", _shape)),
        Case("in-place,no-clip,no-noise", clip: double.PositiveInfinity, s: 0, State("next", _shape), Constant("previousX0", _shape)),
    ];

    private static CaseTensor NotANumber(string name) => new(name, _shape, Role.Constant, [.. Enumerable.Repeat(double.NaN, (int)_shape.Count)]);

    /// <summary>Updates x into next, or in place if the case gives a state called next.</summary>
    private static DeviceCase Case(string name, double clip, double s, params CaseTensor[] optional)
    {
        bool inPlace = optional.Any(t => t.Name == "next");
        CaseTensor[] always = inPlace ? [] : [Constant("x", _shape), Output("next", _shape)];
        return new DeviceCase("DenoiseUpdate", name, Tolerance.Elementwise,
            [
                .. always, .. optional, Constant("output", _shape), Integers("position", 9, 1),
                Given("coefficients", new(7), 1.2, -0.6, clip, 0.8, 0.3, -0.2, s),
            ],
            (device, of) => device.DenoiseUpdate(of[inPlace ? "next" : "x"], of["output"], of.Find("previousX0"), of["coefficients"], of.Find("noise"),
                NoiseStreams.Of(of), of.Find("x0"), of["next"]));
    }
}
