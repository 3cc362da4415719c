using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel ConcatChannelsForward => field ??= Kernel("concat_channels", "concat_channels");

    private CudaKernel ConcatChannelsBackwardKernel => field ??= Kernel("concat_channels", "concat_channels_backward");

    /// <inheritdoc/>
    protected override void ConcatChannelsCore(Tensor a, Tensor b, Tensor y) =>
        LaunchOver(ConcatChannelsForward, y.Shape.Count, perThread: 4, y, a, b, (long)y.Shape.Rows, a.Shape.C, b.Shape.C);

    /// <inheritdoc/>
    protected override void ConcatChannelsBackwardCore(Tensor dy, Sink da, Sink db, int channelsA)
    {
        Part(da, 0);
        Part(db, channelsA);

        void Part(Sink sink, int first)
        {
            if (sink.Tensor is { } d)
            {
                LaunchOver(ConcatChannelsBackwardKernel, d.Shape.Count, perThread: 4, d, dy, sink.Accumulate, (long)d.Shape.Rows, d.Shape.C, dy.Shape.C, first);
            }
        }
    }
}
