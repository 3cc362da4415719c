using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Concatenations of unequal parts, of a tensor with itself, and of a constant.</summary>
public static class ConcatChannelsCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("4+4", new(2, 3, 3, 4), 4),
        Case("1+33", new(2, 3, 5, 1), 33),
        Case("31+1", new(1, 1, 3, 31), 1),
        Case("vectors", new(3, 5), 2),
        // Where a device works on whole vectors: parts of unequal widths, and one part alone that consists of them.
        Case("4+8", new(2, 3, 3, 4), 8),
        Case("8+3", new(2, 3, 3, 8), 3),
        Case("3+5", new(2, 3, 3, 3), 5),
        Case("3-channel-image+16", new(1, 7, 5, 3), 16),
        new TapeCase("ConcatChannels", "with-itself", Tolerance.Elementwise, [Differentiable("a", new(2, 3, 3, 3))], (tape, of) => tape.ConcatChannels(of["a"], of["a"])),
        new TapeCase("ConcatChannels", "constant-first", Tolerance.Elementwise, [Constant("a", new(2, 3, 3)), Differentiable("b", new(2, 3, 5))],
            (tape, of) => tape.ConcatChannels(of["a"], of["b"])),
        new TapeCase("ConcatChannels", "constant-second", Tolerance.Elementwise, [Differentiable("a", new(2, 3, 3)), Constant("b", new(2, 3, 5))],
            (tape, of) => tape.ConcatChannels(of["a"], of["b"])),
    ];

    private static TapeCase Case(string name, Shape a, int channelsB) =>
        new("ConcatChannels", name, Tolerance.Elementwise, [Differentiable("a", a), Differentiable("b", a.WithChannels(channelsB))],
            (tape, of) => tape.ConcatChannels(of["a"], of["b"]));
}
