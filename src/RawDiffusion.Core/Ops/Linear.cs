namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>y = x·wᵀ + bias + residual over rows: x [M, K], w [N, K], y [M, N], where M is the product of the leading dimensions.</summary>
    /// <param name="x">[…, K].</param>
    /// <param name="w">N·K elements, row-major; may also be a 1×1 convolution's [N, 1, 1, K].</param>
    /// <param name="bias">[N].</param>
    /// <param name="residual">[…, N].</param>
    /// <param name="y">[…, N].</param>
    public abstract void Linear(Tensor x, Tensor w, Tensor? bias, Tensor? residual, Tensor y);

    /// <summary>dx (+)= dy·w.</summary>
    public abstract void LinearBackwardInput(Tensor dy, Tensor w, Sink dx);

    /// <summary>dw (+)= dyᵀ·x; dbias (+)= Σ over rows of dy.</summary>
    public abstract void LinearBackwardWeight(Tensor x, Tensor dy, Sink dw, Sink dbias);
}

public sealed partial class Tape
{
    /// <summary>A fully connected layer over the innermost dimension: y = x·wᵀ + bias (+ residual).</summary>
    /// <param name="x">[…, K].</param>
    /// <param name="w">[N, K].</param>
    /// <param name="bias">[N].</param>
    /// <param name="residual">[…, N].</param>
    /// <returns>[…, N].</returns>
    /// <exception cref="ArgumentException">Shapes that do not fit together.</exception>
    public Tensor Linear(Tensor x, Tensor w, Tensor? bias, Tensor? residual = null)
    {
        const string op = "Linear";
        Check(op, x, w, bias, residual);
        Expect(w.Shape.Rank == 2 && w.Shape.C == x.Shape.C, op, "x […, K], w [N, K]", x, w);
        var shape = x.Shape.WithChannels(w.Shape[0]);
        ExpectShape(op, "the bias", bias, new Shape(w.Shape[0]));
        ExpectShape(op, "the residual", residual, shape);
        var y = Make(op, shape);
        Device.Linear(x, w, bias, residual, y);
        return Record(op, y, [x, w, bias, residual], [], dy =>
        {
            Device.LinearBackwardWeight(x, dy, SinkOf(w), SinkOf(bias));
            if (SinkOf(x) is { IsWanted: true } dx)
            {
                Device.LinearBackwardInput(dy, w, dx);
            }
            PassGradient(y, residual);
        });
    }
}
