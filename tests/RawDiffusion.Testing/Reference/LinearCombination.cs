using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void LinearCombinationCore(double a, Tensor x, double b, Tensor? z, Tensor y)
    {
        var xs = Reals(x);
        var zs = RealsOrNone(z);
        var ys = Reals(y);
        for (int i = 0; i < ys.Length; i++)
        {
            ys[i] = a * xs[i] + (z is null ? 0 : b * zs[i]);
        }
    }
}
