using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

// An op that rents scratch says how much from the expressions by which it rents, and in the same order.
public sealed partial class CudaDevice
{
    /// <inheritdoc/>
    protected override bool ReplaysRecordings => _graphs;

    /// <inheritdoc/>
    protected override void RehearseOpening(Rehearsal rehearsal) => _ = rehearsal.Rent(Blas.WorkspaceBytes);

    /// <inheritdoc/>
    protected override void Rehearse(OpCall call, Rehearsal rehearsal)
    {
        switch (call.Op)
        {
            case nameof(Conv2d):
                RehearseConvolution(ConvProblem.Forward((ConvGeometry)call.Settings!), rehearsal);
                break;
            case nameof(Conv2dBackwardInput):
                RehearseConvolutionInput(call, rehearsal);
                break;
            case nameof(Conv2dBackwardWeight):
                RehearseConvolutionWeight(call, rehearsal);
                break;
            case nameof(LinearBackwardWeight) when call.Find("dbias") is not null:
                rehearsal.Rent(ColumnSums.Of(call["dy"].Shape.Rows, call["dy"].Shape.C, Properties.Multiprocessors).PartialBytes).Dispose();
                break;
            case nameof(AttentionBackward) when call.Find("dq") is not null || call.Find("dk") is not null:
                rehearsal.Rent(call["probabilities"].Bytes).Dispose();
                break;
            case nameof(GroupNormBackward) when call.Find("dgamma") is not null || call.Find("dbeta") is not null:
                rehearsal.Rent(GroupNormPartsBytes(call["x"].Shape)).Dispose();
                break;
            case nameof(SumOfSquares):
                rehearsal.Rent(SumOfSquaresBytes(call["x"].Shape.Count)).Dispose();
                break;
        }
    }
}
