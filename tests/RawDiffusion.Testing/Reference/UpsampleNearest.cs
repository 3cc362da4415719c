using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void UpsampleNearestCore(Tensor x, Tensor y)
    {
        var xs = Reals(x);
        var ys = Reals(y);
        for (int i = 0; i < ys.Length; i++)
        {
            ys[i] = xs[UpsampleSource(i, y.Shape)];
        }
    }

    /// <inheritdoc/>
    protected override void UpsampleNearestBackwardCore(Tensor dy, Sink dx)
    {
        var dys = Reals(dy);
        var dxs = Start(dx);
        for (int i = 0; i < dys.Length; i++)
        {
            AddTo(dxs, UpsampleSource(i, dy.Shape), dys[i]);
        }
    }

    /// <summary>Where element <paramref name="i"/> of the doubled image comes from.</summary>
    private static int UpsampleSource(int i, Shape doubled)
    {
        int c = i % doubled[3], q = i / doubled[3] % doubled[2], p = i / doubled[3] / doubled[2] % doubled[1], n = i / doubled[3] / doubled[2] / doubled[1];
        return ((n * (doubled[1] / 2) + p / 2) * (doubled[2] / 2) + q / 2) * doubled[3] + c;
    }
}
