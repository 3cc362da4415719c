namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>y = conv(x, w) + bias + channelAdd + residual: see <see cref="ConvGeometry"/>.</summary>
    /// <param name="x">[N, H, W, Cin].</param>
    /// <param name="w">[Cout, K, K, Cin].</param>
    /// <param name="bias">[Cout].</param>
    /// <param name="channelAdd">[N, Cout], added to every pixel of its image: the time embedding.</param>
    /// <param name="residual">[N, OutH, OutW, Cout].</param>
    /// <param name="y">[N, OutH, OutW, Cout].</param>
    /// <param name="geometry">The extents.</param>
    public void Conv2d(Tensor x, Tensor w, Tensor? bias, Tensor? channelAdd, Tensor? residual, Tensor y, in ConvGeometry geometry)
    {
        const string op = nameof(Conv2d);
        geometry.Check(op);
        Check(op, "x", x, geometry.Input);
        Check(op, "w", w, geometry.Weights);
        Check(op, "the bias", bias, new Shape(geometry.Cout));
        Check(op, "the channel add", channelAdd, new Shape(geometry.N, geometry.Cout));
        Check(op, "the residual", residual, geometry.Output);
        Written(op, "y", y, geometry.Output);
        Conv2dCore(x, w, bias, channelAdd, residual, y, geometry);
    }

    /// <summary>dx (+)= the transposed convolution of dy with w.</summary>
    public void Conv2dBackwardInput(Tensor dy, Tensor w, Sink dx, in ConvGeometry geometry)
    {
        const string op = nameof(Conv2dBackwardInput);
        geometry.Check(op);
        Check(op, "dy", dy, geometry.Output);
        Check(op, "w", w, geometry.Weights);
        if (Written(op, "dx", dx, geometry.Input))
        {
            Conv2dBackwardInputCore(dy, w, dx, geometry);
        }
    }

    /// <summary>dw (+)= Σ over images and pixels of dy ⊗ x; dbias (+)= Σ dy.</summary>
    public void Conv2dBackwardWeight(Tensor x, Tensor dy, Sink dw, Sink dbias, in ConvGeometry geometry)
    {
        const string op = nameof(Conv2dBackwardWeight);
        geometry.Check(op);
        Check(op, "x", x, geometry.Input);
        Check(op, "dy", dy, geometry.Output);
        if (Written(op, "dw", dw, geometry.Weights) | Written(op, "dbias", dbias, new Shape(geometry.Cout)))
        {
            Conv2dBackwardWeightCore(x, dy, dw, dbias, geometry);
        }
    }

    /// <summary>Does <see cref="Conv2d"/>, whose arguments have been checked.</summary>
    protected abstract void Conv2dCore(Tensor x, Tensor w, Tensor? bias, Tensor? channelAdd, Tensor? residual, Tensor y, in ConvGeometry geometry);

    /// <summary>Does <see cref="Conv2dBackwardInput"/>, whose arguments have been checked.</summary>
    protected abstract void Conv2dBackwardInputCore(Tensor dy, Tensor w, Sink dx, in ConvGeometry geometry);

    /// <summary>Does <see cref="Conv2dBackwardWeight"/>, whose arguments have been checked.</summary>
    protected abstract void Conv2dBackwardWeightCore(Tensor x, Tensor dy, Sink dw, Sink dbias, in ConvGeometry geometry);
}

public sealed partial class Tape
{
    /// <summary>
    /// A 2-D convolution with its bias, a per-image channel add (the time embedding) and a residual add fused in.
    /// A 1×1 kernel of stride 1 runs as the matrix product that it is.
    /// </summary>
    /// <param name="x">[N, H, W, Cin].</param>
    /// <param name="w">[Cout, K, K, Cin].</param>
    /// <param name="bias">[Cout].</param>
    /// <param name="stride">1 or more.</param>
    /// <param name="padding">Rows and columns of zeros: the same on every side if not given, K/2.</param>
    /// <param name="channelAdd">[N, Cout].</param>
    /// <param name="residual">[N, OutH, OutW, Cout].</param>
    /// <returns>[N, OutH, OutW, Cout].</returns>
    /// <exception cref="ArgumentException">Shapes that do not fit together.</exception>
    public Tensor Conv2d(Tensor x, Tensor w, Tensor? bias, int stride = 1, Padding? padding = null, Tensor? channelAdd = null, Tensor? residual = null)
    {
        const string op = "Conv2d";
        Device.Expect(x.Shape.Rank == 4 && w.Shape.Rank == 4 && w.Shape[1] == w.Shape[2] && w.Shape.C == x.Shape.C && stride >= 1,
            op, "x [N, H, W, Cin], w [Cout, K, K, Cin], stride ≥ 1", x, w);
        var pad = padding ?? Padding.All(w.Shape[1] / 2);
        var g = new ConvGeometry(x.Shape[0], x.Shape[1], x.Shape[2], x.Shape.C, w.Shape[0], w.Shape[1], stride, pad.Top, pad.Left, pad.Bottom, pad.Right);
        g.Check(op);
        bool matrix = g.Kernel == 1 && stride == 1 && pad == default && channelAdd is null;

        var y = Make(op, g.Output);
        if (matrix)
        {
            Device.Linear(x, w, bias, residual, y);
        }
        else
        {
            Device.Conv2d(x, w, bias, channelAdd, residual, y, g);
        }
        return Record(op, y, [x, w, bias, channelAdd, residual], [], dy =>
        {
            if (matrix)
            {
                Device.LinearBackwardWeight(x, dy, SinkOf(w), SinkOf(bias));
                Device.LinearBackwardInput(dy, w, SinkOf(x));
            }
            else
            {
                Device.Conv2dBackwardWeight(x, dy, SinkOf(w), SinkOf(bias), g);
                Device.SumPositions(dy, SinkOf(channelAdd));
                Device.Conv2dBackwardInput(dy, w, SinkOf(x), g);
            }
            PassGradient(y, residual);
        });
    }
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void Conv2dCore(Tensor x, Tensor w, Tensor? bias, Tensor? channelAdd, Tensor? residual, Tensor y, in ConvGeometry geometry)
    {
        var g = geometry;
        Note(nameof(Conv2d), [Read(x), Read(w), Read(bias), Read(channelAdd), Read(residual), Write(y)], What(g),
            (device, on) => device.Conv2d(on[x], on[w], on.OrNull(bias), on.OrNull(channelAdd), on.OrNull(residual), on[y], g), g.Flops, g);
    }

    /// <inheritdoc/>
    protected override void Conv2dBackwardInputCore(Tensor dy, Tensor w, Sink dx, in ConvGeometry geometry)
    {
        var g = geometry;
        Note(nameof(Conv2dBackwardInput), [Read(dy), Read(w), Into(dx)], What(g), (device, on) => device.Conv2dBackwardInput(on[dy], on[w], on[dx], g), g.Flops, g);
    }

    /// <inheritdoc/>
    protected override void Conv2dBackwardWeightCore(Tensor x, Tensor dy, Sink dw, Sink dbias, in ConvGeometry geometry)
    {
        var g = geometry;
        Note(nameof(Conv2dBackwardWeight), [Read(dw.IsWanted ? x : null, name: nameof(x)), Read(dy), Into(dw), Into(dbias)], What(g),
            (device, on) => device.Conv2dBackwardWeight(on[x], on[dy], on[dw], on[dbias], g), dw.IsWanted ? g.Flops : 0, g);
    }

    private static string What(in ConvGeometry g) =>
        $"{g.N}×{g.H}×{g.W}, {g.Cin} → {g.Cout}{(g.Kernel == 3 ? "" : $", {g.Kernel}×{g.Kernel}")}{(g.Stride == 1 ? "" : $", stride {g.Stride}")}";
}
