using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void BlendCore(Tensor mask, Tensor a, Tensor b, Tensor y)
    {
        var masks = Reals(mask);
        var first = Reals(a);
        var second = Reals(b);
        var ys = Reals(y);
        for (int i = 0; i < ys.Length; i++)
        {
            ys[i] = masks[i] switch
            {
                0 => second[i],
                1 => first[i],
                double m => m * first[i] + (1 - m) * second[i],
            };
        }
    }
}
