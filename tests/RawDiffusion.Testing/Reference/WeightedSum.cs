using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void WeightedSumCore(Tensor coefficients, ReadOnlySpan<Tensor> terms, Tensor? noise, in RandomStream stream, Tensor y)
    {
        var table = Reals(coefficients);
        var given = RealsOrNone(noise);
        var ys = Reals(y);
        int width = coefficients.Shape[1], perSample = ys.Length / y.Shape.N;
        for (int i = 0; i < ys.Length; i++)
        {
            int row = coefficients.Shape.N == 1 ? 0 : i / perSample;
            double sum = 0;
            for (int k = 0; k < terms.Length; k++)
            {
                sum += table[row * width + k] * Reals(terms[k])[i];
            }
            double s = width > terms.Length ? table[row * width + terms.Length] : 0;
            ys[i] = s == 0 ? sum : sum + s * (noise is null ? NormalAt(stream, i, perSample) : given[i]);
        }
    }
}
