using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

// An op that needs memory of its own says how much beside the code that rents it, from the same expressions.
public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void Rehearse(OpCall call, Rehearsal rehearsal)
    {
        var scratch = new CpuScratch(rehearsal, _workers.Count);
        switch (call.Op)
        {
            case nameof(Conv2d):
                _convolution.RehearseForward((ConvGeometry)call.Settings!, call["w"].Address, scratch);
                break;
            case nameof(Conv2dBackwardInput):
                _convolution.RehearseBackwardInput((ConvGeometry)call.Settings!, call["w"].Address, scratch);
                break;
            case nameof(Conv2dBackwardWeight):
                _convolution.RehearseBackwardWeight((ConvGeometry)call.Settings!, call.Find("dw") is not null, call.Find("dbias") is not null, scratch);
                break;
            case nameof(Linear):
                _gemm.Rehearse(LinearProduct(call["x"].Shape, call["y"].Shape), call["w"].Address, scratch);
                break;
            case nameof(LinearBackwardInput):
                _gemm.Rehearse(LinearInputProduct(call["dy"].Shape, call["dx"].Shape), call["w"].Address, scratch);
                break;
            case nameof(LinearBackwardWeight):
                RehearseLinearWeight(call, scratch);
                break;
            case nameof(Attention):
                RehearseAttention(call, scratch);
                break;
            case nameof(AttentionBackward):
                RehearseAttentionBackward(call, scratch, rehearsal);
                break;
            case nameof(GroupNorm) or nameof(GroupNormBackward):
                RehearseGroupNorm(call, scratch);
                break;
            case nameof(SumPositions):
                scratch.EachWorker(SumPositionsBytes(ChannelsPerTask(call["x"].Shape, 1, 1)));
                break;
            case nameof(MeanSquaredError) or nameof(GaussianBound):
                scratch.Shared(SampleMeansBytes(call["prediction"].Shape.N));
                break;
            case nameof(SumOfSquares):
                scratch.Shared(SumOfSquaresBytes(call["x"].Shape.Count));
                break;
        }
    }
}
