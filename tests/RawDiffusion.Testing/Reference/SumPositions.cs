using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void SumPositionsCore(Tensor x, Sink sum)
    {
        var xs = Reals(x);
        var sums = Start(sum);
        for (int i = 0; i < xs.Length; i++)
        {
            AddTo(sums, i / (x.Shape.Positions * x.Shape.C) * x.Shape.C + i % x.Shape.C, xs[i]);
        }
    }
}
