using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Splits of which one part or both go on, also together with the whole.</summary>
public static class SplitChannelsCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("first-of-3+3", new(2, 3, 5, 6), (tape, x) => tape.SplitChannels(x, 3).First),
        Case("second-of-3+3", new(2, 3, 5, 6), (tape, x) => tape.SplitChannels(x, 3).Second),
        Case("second-of-31+1", new(1, 1, 3, 32), (tape, x) => tape.SplitChannels(x, 31).Second),
        Case("first-of-4+8", new(2, 3, 3, 12), (tape, x) => tape.SplitChannels(x, 4).First),
        Case("vectors", new(3, 5), (tape, x) => tape.SplitChannels(x, 2).First),
        Case("both, the other way round", new(2, 3, 3, 5), (tape, x) =>
        {
            var (first, second) = tape.SplitChannels(x, 2);
            return tape.ConcatChannels(second, first);
        }),
        Case("both, added, and the whole", new(2, 3, 3, 4), (tape, x) =>
        {
            var (first, second) = tape.SplitChannels(x, 2);
            return tape.ConcatChannels(tape.Add(first, second), x);
        }),
        new TapeCase("SplitChannels", "of-a-constant", Tolerance.Elementwise, [Constant("x", new(2, 3, 4))], (tape, of) => tape.SplitChannels(of["x"], 1).Second),
    ];

    private static TapeCase Case(string name, Shape shape, Func<Tape, Tensor, Tensor> split) =>
        new("SplitChannels", name, Tolerance.Elementwise, [Differentiable("x", shape)], (tape, of) => split(tape, of["x"]));
}
