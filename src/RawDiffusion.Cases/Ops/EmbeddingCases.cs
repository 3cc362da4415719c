using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Embeddings with repeated, missing and extreme labels.</summary>
public static class EmbeddingCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("repeated", 5, 6, 3, 0, 3, 4, 3, 0),
        Case("one", 1, 1, 0),
        Case("all-the-same,c=33", 4, 33, 2, 2, 2, 2, 2, 2, 2),
        Case("many-rows,c=31", 101, 31, 100, 0, 50, 100),
        Case("c=513", 3, 513, 2, 0, 2),
    ];

    private static TapeCase Case(string name, int rows, int channels, params int[] labels) =>
        new("Embedding", name, Tolerance.Elementwise, [Differentiable("table", new(rows, channels)), Integers("labels", labels)],
            (tape, of) => tape.Embedding(of["table"], of["labels"]));
}
