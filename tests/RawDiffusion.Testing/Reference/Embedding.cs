using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void EmbeddingCore(Tensor table, Tensor labels, Tensor y)
    {
        var rows = Reals(table);
        var indices = Elements<int>(labels, DType.Int32);
        var ys = Reals(y);
        int channels = table.Shape.C;
        for (int i = 0; i < ys.Length; i++)
        {
            ys[i] = rows[indices[i / channels] * channels + i % channels];
        }
    }

    /// <inheritdoc/>
    protected override void EmbeddingBackwardCore(Tensor dy, Tensor labels, Sink dtable)
    {
        var dys = Reals(dy);
        var indices = Elements<int>(labels, DType.Int32);
        var drows = Start(dtable);
        int channels = dy.Shape.C;
        for (int i = 0; i < dys.Length; i++)
        {
            AddTo(drows, indices[i / channels] * channels + i % channels, dys[i]);
        }
    }
}
