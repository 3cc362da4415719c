using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void SiluCore(Tensor x, Tensor y)
    {
        var xs = Reals(x);
        var ys = Reals(y);
        for (int i = 0; i < xs.Length; i++)
        {
            ys[i] = xs[i] * Sigmoid(xs[i]);
        }
    }

    /// <inheritdoc/>
    protected override void SiluBackwardCore(Tensor dy, Tensor x, Sink dx)
    {
        var dys = Reals(dy);
        var xs = Reals(x);
        var dxs = Start(dx);
        for (int i = 0; i < xs.Length; i++)
        {
            AddTo(dxs, i, dys[i] * Sigmoid(xs[i]) * (1 + xs[i] * (1 - Sigmoid(xs[i]))));
        }
    }
}
