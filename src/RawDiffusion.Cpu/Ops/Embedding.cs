using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void EmbeddingCore(Tensor table, Tensor labels, Tensor y)
    {
        int channels = table.Shape.C;
        int* label = (int*)labels.Address;
        for (int n = 0; n < labels.Shape.N; n++)
        {
            CopyRows(Floats(table) + (long)label[n] * channels, channels, Floats(y) + (long)n * channels, channels, 1, channels, false);
        }
    }

    /// <inheritdoc/>
    protected override void EmbeddingBackwardCore(Tensor dy, Tensor labels, Sink dtable)
    {
        int channels = dy.Shape.C;
        int* label = (int*)labels.Address;
        var table = dtable.Tensor!;
        if (!dtable.Accumulate)
        {
            Fill(table.Address, table.Bytes, 0);
        }
        for (int n = 0; n < labels.Shape.N; n++)
        {
            CopyRows(Floats(dy) + (long)n * channels, channels, Floats(table) + (long)label[n] * channels, channels, 1, channels, true);
        }
    }
}
