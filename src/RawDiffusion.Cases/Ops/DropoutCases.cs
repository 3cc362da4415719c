using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Dropout: rates, samples whose size is no multiple of a random block's four words, and in place.</summary>
public static class DropoutCases
{
    private const ulong Seed = 0x1234_5678_9ABC_DEF0;

    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("rate=0.1", new(2, 5, 7, 3), 0.1),
        Case("rate=0.5,c=33", new(3, 33), 0.5),
        Case("rate=0.9,one-element-each", new(31, 1), 0.9),
        Case("rate=0", new(1, 31), 0),
        Case("n=1025", new(1, 1025), 0.3),
        Case("late-sample", new(3, 2, 3), 0.3, step: int.MaxValue, firstSample: 60000),
        new DeviceCase("Dropout", "in-place", Tolerance.Elementwise, [State("x", new(3, 33)), Integers("position", 4, 5)],
            (device, of) => device.Dropout(of["x"], Sink.Into(of["x"]), 0.4, Stream(of))),
        RatesAsDrawn,
    ];

    /// <summary>An element whose number is the rate itself is kept, and at a rate that is above it by less than the numbers' spacing it is not.</summary>
    private static DeviceCase RatesAsDrawn
    {
        get
        {
            var (x, y, z, w) = Philox.Block(new UInt4(0, 5, 4, (uint)(RandomPurpose.Dropout + 3)), Seed);
            double[] rates = [.. ((uint[])[x, y, z, w]).SelectMany(bits => (double[])[Philox.Uniform(bits), Philox.Uniform(bits) + 1.0 / (1 << 26)])];
            return new DeviceCase("Dropout", "rates-as-drawn", Tolerance.Elementwise,
                [Constant("x", new(1, 4)), Integers("position", 4, 5), .. rates.Select((_, i) => Output($"y{i}", new(1, 4)))],
                (device, of) =>
                {
                    for (int i = 0; i < rates.Length; i++)
                    {
                        device.Dropout(of["x"], Sink.Into(of[$"y{i}"]), rates[i], Stream(of));
                    }
                });
        }
    }

    private static TapeCase Case(string name, Shape shape, double rate, int step = 7, int firstSample = 0) =>
        new("Dropout", name, Tolerance.Elementwise, [Differentiable("x", shape), Integers("position", step, firstSample)],
            (tape, of) => tape.Dropout(of["x"], rate, Stream(of)));

    private static RandomStream Stream(CaseTensors of) => new(Seed, RandomPurpose.Dropout + 3, of["position"]);
}
