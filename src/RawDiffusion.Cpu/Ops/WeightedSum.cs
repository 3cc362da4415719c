using System.Runtime.CompilerServices;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void WeightedSumCore(Tensor coefficients, ReadOnlySpan<Tensor> terms, Tensor? noise, in RandomStream stream, Tensor y)
    {
        nint[] from = new nint[terms.Length];
        for (int k = 0; k < from.Length; k++)
        {
            from[k] = (nint)Floats(terms[k]);
        }
        int width = coefficients.Shape[1], stride = coefficients.Shape.N == 1 ? 0 : width;
        bool noisy = width > terms.Length;
        var numbers = noisy && noise is null ? new RandomNumbers(stream) : default;
        long perSample = y.Shape.Count / y.Shape.N;
        float* table = Floats(coefficients), given = FloatsOrNull(noise), to = Floats(y);
        ForPieces(y.Shape, (sample, first, count) =>
        {
            // Room of its own: y may be a term that is yet to be read.
            float* sum = stackalloc float[Piece];
            float* c = table + (long)sample * stride;
            long at = sample * perSample + first;
            AddTerms(c, from, at, sum, count);
            if (noisy && c[width - 1] != 0)
            {
                float* z = given + at;
                float* drawn = stackalloc float[Piece];
                if (given == null)
                {
                    numbers.Normals(sample, first, count, z = drawn);
                }
                Elementwise.Apply(new WeightedSum(1, c[width - 1]), sum, z, z, sum, count);
            }
            Unsafe.CopyBlockUnaligned(to + at, sum, (uint)(count * sizeof(float)));
        });
    }

    /// <summary>sum = Σ c_k·x_k over elements from `at` on: two terms as one, then one after the other.</summary>
    private static void AddTerms(float* c, nint[] terms, long at, float* sum, int count)
    {
        float* first = (float*)terms[0] + at;
        if (terms.Length == 1)
        {
            Elementwise.Apply(new Scaled(c[0]), first, first, first, sum, count);
            return;
        }
        float* second = (float*)terms[1] + at;
        Elementwise.Apply(new WeightedSum(c[0], c[1]), first, second, second, sum, count);
        for (int k = 2; k < terms.Length; k++)
        {
            float* term = (float*)terms[k] + at;
            Elementwise.Apply(new WeightedSum(1, c[k]), sum, term, term, sum, count);
        }
    }
}
