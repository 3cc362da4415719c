using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Sinusoidal embeddings in both orders and with both frequency shifts.</summary>
public static class TimestepEmbeddingCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("paper", 32, false, 1, Tolerance.LargeAngle, 0, 1, 499, 999),
        Case("flipped,no-shift", 32, true, 0, Tolerance.LargeAngle, 0, 1, 499, 999),
        Case("small", 6, true, 0, Tolerance.Elementwise, 0, 0.5, 3),
        Case("dim=2", 2, false, 0, Tolerance.Elementwise, 2),
        Case("dim=66,batch-5", 66, false, 1, Tolerance.LargeAngle, 3.75, 20, 111, 250, 7),
    ];

    private static TapeCase Case(string name, int dim, bool flip, double shift, Tolerance tolerance, params double[] timesteps) =>
        new("TimestepEmbedding", name, tolerance, [Given("timesteps", new(timesteps.Length), timesteps)],
            (tape, of) => tape.TimestepEmbedding(of["timesteps"], dim, flip, shift));
}
