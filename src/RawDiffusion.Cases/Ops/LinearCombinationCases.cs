using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Weighted sums, by the tape and in place.</summary>
public static class LinearCombinationCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("add", new(2, 3, 3, 5), (tape, of) => tape.Add(of["x"], of["z"])),
        Case("weights", new(1, 33), (tape, of) => tape.LinearCombination(0.3, of["x"], -1.7, of["z"])),
        Case("n=1025", new(1, 1025), (tape, of) => tape.LinearCombination(2, of["x"], 0.5, of["z"])),
        new TapeCase("LinearCombination", "scale", Tolerance.Elementwise, [Differentiable("x", new(3, 31))], (tape, of) => tape.Scale(of["x"], -0.7)),
        new TapeCase("LinearCombination", "with-itself", Tolerance.Elementwise, [Differentiable("x", new(3, 31))],
            (tape, of) => tape.LinearCombination(0.3, of["x"], 0.9, of["x"])),
        new TapeCase("LinearCombination", "constant-term", Tolerance.Elementwise, [Constant("x", new(3, 31)), Differentiable("z", new(3, 31))],
            (tape, of) => tape.Add(of["x"], of["z"])),
        new DeviceCase("LinearCombination", "onto-the-first", Tolerance.Elementwise, [State("x", new(3, 33)), Constant("z", new(3, 33))],
            (device, of) => device.LinearCombination(0.3, of["x"], 0.9, of["z"], of["x"])),
        new DeviceCase("LinearCombination", "onto-the-second", Tolerance.Elementwise, [Constant("x", new(3, 33)), State("z", new(3, 33))],
            (device, of) => device.LinearCombination(0.3, of["x"], 0.9, of["z"], of["z"])),
        new DeviceCase("LinearCombination", "scale-in-place", Tolerance.Elementwise, [State("x", new(1, 31))],
            (device, of) => device.LinearCombination(0.3, of["x"], double.NaN, null, of["x"])),
    ];

    private static TapeCase Case(string name, Shape shape, Func<Tape, CaseTensors, Tensor> forward) =>
        new("LinearCombination", name, Tolerance.Elementwise, [Differentiable("x", shape), Differentiable("z", shape)], forward);
}
