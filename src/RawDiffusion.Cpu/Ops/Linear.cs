using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void LinearCore(Tensor x, Tensor w, Tensor? bias, Tensor? residual, Tensor y) =>
        _gemm.Multiply(LinearProduct(x.Shape, y.Shape), Floats(x), Floats(w), Floats(y), FloatsOrNull(bias), FloatsOrNull(residual), WeightsIdentity.Of(w));

    /// <inheritdoc/>
    protected override void LinearBackwardInputCore(Tensor dy, Tensor w, Sink dx) =>
        _gemm.Multiply(LinearInputProduct(dy.Shape, dx.Tensor!.Shape) with { Beta = dx.Accumulate ? 1 : 0 },
            Floats(dy), Floats(w), Floats(dx.Tensor), identity: WeightsIdentity.Of(w));

    /// <inheritdoc/>
    protected override void LinearBackwardWeightCore(Tensor x, Tensor dy, Sink dw, Sink dbias)
    {
        if (dw.IsWanted)
        {
            _gemm.Multiply(LinearWeightProduct(x.Shape, dy.Shape) with { Beta = dw.Accumulate ? 1 : 0 }, Floats(dy), Floats(x), Floats(dw.Tensor!));
        }
        if (dbias.IsWanted)
        {
            SumAllRows(Floats(dy), dy.Shape.Rows, dy.Shape.C, Floats(dbias.Tensor!), dbias.Accumulate);
        }
    }

    private void RehearseLinearWeight(OpCall call, CpuScratch scratch)
    {
        var dy = call["dy"].Shape;
        if (call.Find("dw") is not null)
        {
            _gemm.Rehearse(LinearWeightProduct(call["x"].Shape, dy), 0, scratch);
        }
        if (call.Find("dbias") is not null)
        {
            scratch.Shared(SumAllRowsBytes(dy.Rows, dy.C));
        }
    }

    private static MatrixProduct LinearProduct(Shape x, Shape y) => new(x.Rows, y.C, x.C, TransposeB: true);

    private static MatrixProduct LinearInputProduct(Shape dy, Shape dx) => new(dy.Rows, dx.C, dy.C);

    private static MatrixProduct LinearWeightProduct(Shape x, Shape dy) => new(dy.C, x.C, x.Rows, TransposeA: true);
}
