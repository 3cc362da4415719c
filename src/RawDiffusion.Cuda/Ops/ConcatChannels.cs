using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel ConcatChannelsForward => field ??= Kernel("concat_channels", "concat_channels");

    private CudaKernel ConcatChannelsBackwardKernel => field ??= Kernel("concat_channels", "concat_channels_backward");

    /// <inheritdoc/>
    public override void ConcatChannels(Tensor a, Tensor b, Tensor y) =>
        LaunchOver(ConcatChannelsForward, y.Shape.Count, perThread: 4, y, a, b, (long)y.Shape.Rows, a.Shape.C, b.Shape.C);

    /// <inheritdoc/>
    public override void ConcatChannelsBackward(Tensor dy, Tensor? da, bool accumulateA, Tensor? db, bool accumulateB, int channelsA)
    {
        Part(da, accumulateA, 0);
        Part(db, accumulateB, channelsA);

        void Part(Tensor? d, bool accumulate, int first)
        {
            if (d is not null)
            {
                LaunchOver(ConcatChannelsBackwardKernel, d.Shape.Count, perThread: 4, d, dy, accumulate, (long)d.Shape.Rows, d.Shape.C, dy.Shape.C, first);
            }
        }
    }
}
