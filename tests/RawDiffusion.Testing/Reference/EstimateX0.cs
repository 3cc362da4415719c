using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void EstimateX0Core(Tensor x, Tensor output, Tensor coefficients, Tensor x0)
    {
        var xs = Reals(x);
        var outputs = Reals(output);
        var factors = Reals(coefficients);
        var x0s = Reals(x0);
        for (int i = 0; i < xs.Length; i++)
        {
            x0s[i] = Math.Clamp(factors[0] * xs[i] + factors[1] * outputs[i], -factors[2], factors[2]);
        }
    }
}
