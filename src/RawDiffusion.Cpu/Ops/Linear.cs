using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void LinearCore(Tensor x, Tensor w, Tensor? bias, Tensor? residual, Tensor y) =>
        _gemm.Multiply(new MatrixProduct(x.Shape.Rows, y.Shape.C, x.Shape.C, TransposeB: true), Floats(x), Floats(w), Floats(y), FloatsOrNull(bias),
            FloatsOrNull(residual), WeightsIdentity.Of(w));

    /// <inheritdoc/>
    protected override void LinearBackwardInputCore(Tensor dy, Tensor w, Sink dx) =>
        _gemm.Multiply(new MatrixProduct(dy.Shape.Rows, dx.Tensor!.Shape.C, dy.Shape.C) { Beta = dx.Accumulate ? 1 : 0 }, Floats(dy), Floats(w), Floats(dx.Tensor),
            identity: WeightsIdentity.Of(w));

    /// <inheritdoc/>
    protected override void LinearBackwardWeightCore(Tensor x, Tensor dy, Sink dw, Sink dbias)
    {
        if (dw.IsWanted)
        {
            _gemm.Multiply(
                new MatrixProduct(dy.Shape.C, x.Shape.C, x.Shape.Rows, TransposeA: true) { Beta = dw.Accumulate ? 1 : 0 }, Floats(dy), Floats(x), Floats(dw.Tensor!));
        }
        if (dbias.IsWanted)
        {
            SumAllRows(Floats(dy), dy.Shape.Rows, dy.Shape.C, Floats(dbias.Tensor!), dbias.Accumulate);
        }
    }
}
