using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Sums of one to eight terms: one row of numbers or one for each sample, noise given, drawn and absent, in place of each term.</summary>
public static class WeightedSumCases
{
    private static readonly Shape _shape = new(3, 5, 7, 1);
    private static readonly double[] _numbers = [0.3, -1.7, 0.6, 1.1, -0.4, 0.9, 2.1, -0.8];

    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        .. Enumerable.Range(1, Device.MostTerms).Select(terms => Case($"terms={terms}", terms, Row(terms))),
        Case("each-sample", 3, Rows(3)),
        Case("drawn", 2, Row(2, 0.7)),
        Case("drawn,one-term", 1, Row(1, 0.7)),
        Case("drawn,each-sample,some-without", 3, Rows(3, 0, 0.5, -1.2)),
        Case("given,each-sample", 4, Rows(4, 0.3, 0, 2), Constant("noise", _shape)),
        Case("given", 8, Row(8, 0.4), Constant("noise", _shape)),
        Case("no-noise,does-not-look-at-it", 2, Row(2, 0), new CaseTensor("noise", _shape, Role.Constant, [.. Enumerable.Repeat(double.NaN, (int)_shape.Count)])),
        .. Enumerable.Range(0, 4).Select(k => InPlace($"onto-term-{k}", k)),
        OfShape("n=1025", new(1, 1025)),
        OfShape("many-samples", new(70, 3)),
    ];

    private static CaseTensor Row(int terms, params double[] s) => Given("coefficients", new(1, terms + s.Length), [.. _numbers[..terms], .. s]);

    private static CaseTensor Rows(int terms, params double[] s) => Given(
        "coefficients", new(3, terms + (s.Length > 0 ? 1 : 0)),
            [.. Enumerable.Range(0, 3).SelectMany(n => (double[])[.. _numbers[..terms].Select(c => c * (n - 0.5)), .. s.Skip(n).Take(1)])]);

    private static DeviceCase Case(string name, int terms, CaseTensor coefficients, params CaseTensor[] optional) => new("WeightedSum", name, Tolerance.Elementwise,
        [.. Enumerable.Range(0, terms).Select(k => Constant($"x{k}", _shape)), coefficients, .. optional, Integers("position", 9, 1), Output("y", _shape)],
        (device, of) => device.WeightedSum(
            of["coefficients"], [.. Enumerable.Range(0, terms).Select(k => of[$"x{k}"])], of.Find("noise"), NoiseStreams.Of(of), of["y"]));

    private static DeviceCase InPlace(string name, int place) => new("WeightedSum", name, Tolerance.Elementwise,
        [.. Enumerable.Range(0, 4).Select(k => k == place ? State($"x{k}", _shape) : Constant($"x{k}", _shape)), Row(4, 0.5), Integers("position", 9, 1)],
        (device, of) => device.WeightedSum(of["coefficients"], [of["x0"], of["x1"], of["x2"], of["x3"]], null, NoiseStreams.Of(of), of[$"x{place}"]));

    private static DeviceCase OfShape(string name, Shape shape) => new("WeightedSum", name, Tolerance.Elementwise,
        [Constant("x", shape), Constant("z", shape), Row(2), Output("y", shape)],
        (device, of) => device.WeightedSum(of["coefficients"], [of["x"], of["z"]], null, default, of["y"]));
}
