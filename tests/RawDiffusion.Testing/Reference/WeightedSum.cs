using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void WeightedSumCore(Tensor coefficients, ReadOnlySpan<Tensor> terms, Tensor? noise, in RandomStream stream, Tensor y)
    {
        var table = Reals(coefficients);
        int width = coefficients.Shape[1], perSample = (int)(y.Shape.Count / y.Shape.N), stride = coefficients.Shape.N == 1 ? 0 : width;
        double[] sums = new double[y.Shape.Count];
        for (int k = 0; k < terms.Length; k++)
        {
            var term = Reals(terms[k]);
            for (int i = 0; i < sums.Length; i++)
            {
                sums[i] += table[i / perSample * stride + k] * term[i];
            }
        }
        if (width > terms.Length)
        {
            var given = RealsOrNone(noise);
            for (int i = 0; i < sums.Length; i++)
            {
                double s = table[i / perSample * stride + terms.Length];
                sums[i] += s == 0 ? 0 : s * (noise is null ? NormalAt(stream, i, perSample) : given[i]);
            }
        }
        sums.CopyTo(Reals(y));
    }
}
