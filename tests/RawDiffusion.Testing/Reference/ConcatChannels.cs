using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void ConcatChannelsCore(Tensor a, Tensor b, Tensor y)
    {
        var aValues = Reals(a);
        var bValues = Reals(b);
        var ys = Reals(y);
        int channelsA = a.Shape.C, channelsB = b.Shape.C, channels = y.Shape.C;
        for (int i = 0; i < ys.Length; i++)
        {
            int row = i / channels, c = i % channels;
            ys[i] = c < channelsA ? aValues[row * channelsA + c] : bValues[row * channelsB + c - channelsA];
        }
    }

    /// <inheritdoc/>
    protected override void ConcatChannelsBackwardCore(Tensor dy, Sink da, Sink db, int channelsA)
    {
        var dys = Reals(dy);
        var das = Start(da);
        var dbs = Start(db);
        int channels = dy.Shape.C, channelsB = channels - channelsA;
        for (int i = 0; i < dys.Length; i++)
        {
            int row = i / channels, c = i % channels;
            if (c < channelsA)
            {
                AddTo(das, row * channelsA + c, dys[i]);
            }
            else
            {
                AddTo(dbs, row * channelsB + c - channelsA, dys[i]);
            }
        }
    }
}
