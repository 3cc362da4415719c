namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>y = x·wᵀ + bias + residual over rows: x [M, K], w [N, K], y [M, N], where M is the product of the leading dimensions.</summary>
    /// <param name="x">[…, K].</param>
    /// <param name="w">N·K elements, row-major; may also be a 1×1 convolution's [N, 1, 1, K].</param>
    /// <param name="bias">[N].</param>
    /// <param name="residual">[…, N].</param>
    /// <param name="y">[…, N].</param>
    public void Linear(Tensor x, Tensor w, Tensor? bias, Tensor? residual, Tensor y)
    {
        const string op = nameof(Linear);
        Check(op, x, w);
        Expect(IsMatrix(w, w.Shape[0], x.Shape.C), op, "x […, K], w [N, K]", x, w);
        var shape = x.Shape.WithChannels(w.Shape[0]);
        Check(op, "the bias", bias, new Shape(w.Shape[0]));
        Check(op, "the residual", residual, shape);
        Written(op, "y", y, shape);
        LinearCore(x, w, bias, residual, y);
    }

    /// <summary>dx (+)= dy·w.</summary>
    public void LinearBackwardInput(Tensor dy, Tensor w, Sink dx)
    {
        const string op = nameof(LinearBackwardInput);
        Check(op, dy, w);
        Expect(IsMatrix(w, dy.Shape.C, w.Shape.C), op, "dy […, N], w [N, K]", dy, w);
        if (Written(op, "dx", dx, dy.Shape.WithChannels(w.Shape.C)))
        {
            LinearBackwardInputCore(dy, w, dx);
        }
    }

    /// <summary>dw (+)= dyᵀ·x; dbias (+)= Σ over rows of dy.</summary>
    public void LinearBackwardWeight(Tensor x, Tensor dy, Sink dw, Sink dbias)
    {
        const string op = nameof(LinearBackwardWeight);
        Check(op, x);
        Check(op, "dy", dy, x.Shape.WithChannels(dy.Shape.C));
        Expect(dw.Tensor is not { } matrix || IsMatrix(matrix, dy.Shape.C, x.Shape.C), op, "x […, K], dy […, N], dw [N, K]", x, dy, dw.Tensor);
        if (Written(op, "dw", dw, dw.Tensor?.Shape ?? default) | Written(op, "dbias", dbias, new Shape(dy.Shape.C)))
        {
            LinearBackwardWeightCore(x, dy, dw, dbias);
        }
    }

    /// <summary>Does <see cref="Linear"/>, whose arguments have been checked.</summary>
    protected abstract void LinearCore(Tensor x, Tensor w, Tensor? bias, Tensor? residual, Tensor y);

    /// <summary>Does <see cref="LinearBackwardInput"/>, whose arguments have been checked.</summary>
    protected abstract void LinearBackwardInputCore(Tensor dy, Tensor w, Sink dx);

    /// <summary>Does <see cref="LinearBackwardWeight"/>, whose arguments have been checked.</summary>
    protected abstract void LinearBackwardWeightCore(Tensor x, Tensor dy, Sink dw, Sink dbias);

    /// <summary>Whether a tensor is a matrix of so many rows and columns, maybe with extents of 1 between them.</summary>
    private static bool IsMatrix(Tensor w, int rows, int columns) => w.Shape[0] == rows && w.Shape.C == columns && w.Shape.Count == (long)rows * columns;
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
        var y = Make(op, x.Shape.WithChannels(w.Shape[0]));
        Device.Linear(x, w, bias, residual, y);
        return Record(op, y, [x, w, bias, residual], [], dy =>
        {
            Device.LinearBackwardWeight(x, dy, SinkOf(w), SinkOf(bias));
            Device.LinearBackwardInput(dy, w, SinkOf(x));
            PassGradient(y, residual);
        });
    }
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void LinearCore(Tensor x, Tensor w, Tensor? bias, Tensor? residual, Tensor y) =>
        Note(nameof(Linear), [Read(x), Read(w), Read(bias), Read(residual), Write(y)], Product(x, w.Shape.C, w.Shape[0]),
            (device, on) => device.Linear(on[x], on[w], on.OrNull(bias), on.OrNull(residual), on[y]), flops: 2 * x.Shape.Count * w.Shape[0]);

    /// <inheritdoc/>
    protected override void LinearBackwardInputCore(Tensor dy, Tensor w, Sink dx) =>
        Note(nameof(LinearBackwardInput), [Read(dy), Read(w), Into(dx)], Product(dy, w.Shape.C, w.Shape[0]),
            (device, on) => device.LinearBackwardInput(on[dy], on[w], on[dx]), flops: 2 * dy.Shape.Count * w.Shape.C);

    /// <inheritdoc/>
    protected override void LinearBackwardWeightCore(Tensor x, Tensor dy, Sink dw, Sink dbias) =>
        Note(nameof(LinearBackwardWeight), [Read(dw.IsWanted ? x : null, name: nameof(x)), Read(dy), Into(dw), Into(dbias)], Product(x, x.Shape.C, dy.Shape.C),
            (device, on) => device.LinearBackwardWeight(on[x], on[dy], on[dw], on[dbias]), flops: dw.IsWanted ? 2 * x.Shape.Count * dy.Shape.C : 0);

    private static string Product(Tensor x, int inputs, int outputs) => $"{x.Shape.Rows} × {inputs} → {outputs}";
}
