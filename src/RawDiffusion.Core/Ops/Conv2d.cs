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
    public abstract void Conv2d(Tensor x, Tensor w, Tensor? bias, Tensor? channelAdd, Tensor? residual, Tensor y, in ConvGeometry geometry);

    /// <summary>dx (+)= the transposed convolution of dy with w.</summary>
    public abstract void Conv2dBackwardInput(Tensor dy, Tensor w, Sink dx, in ConvGeometry geometry);

    /// <summary>dw (+)= Σ over images and pixels of dy ⊗ x; dbias (+)= Σ dy.</summary>
    public abstract void Conv2dBackwardWeight(Tensor x, Tensor dy, Sink dw, Sink dbias, in ConvGeometry geometry);
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
        Check(op, x, w, bias, channelAdd, residual);
        Expect(x.Shape.Rank == 4 && w.Shape.Rank == 4 && w.Shape[1] == w.Shape[2] && w.Shape.C == x.Shape.C && stride >= 1,
            op, "x [N, H, W, Cin], w [Cout, K, K, Cin], stride ≥ 1", x, w);
        var pad = padding ?? Padding.All(w.Shape[1] / 2);
        var g = new ConvGeometry(x.Shape[0], x.Shape[1], x.Shape[2], x.Shape.C, w.Shape[0], w.Shape[1], stride, pad.Top, pad.Left, pad.Bottom, pad.Right);
        Expect(g.H + pad.Top + pad.Bottom >= g.Kernel && g.W + pad.Left + pad.Right >= g.Kernel, op, "an image at least as large as the kernel", x, w);
        var outShape = new Shape(g.N, g.OutH, g.OutW, g.Cout);
        ExpectShape(op, "the bias", bias, new Shape(g.Cout));
        ExpectShape(op, "the channel add", channelAdd, new Shape(g.N, g.Cout));
        ExpectShape(op, "the residual", residual, outShape);
        bool matrix = g.Kernel == 1 && stride == 1 && pad == default && channelAdd is null;

        var y = Make(op, outShape);
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
                if (SinkOf(x) is { IsWanted: true } dx)
                {
                    Device.LinearBackwardInput(dy, w, dx);
                }
            }
            else
            {
                Device.Conv2dBackwardWeight(x, dy, SinkOf(w), SinkOf(bias), g);
                if (SinkOf(channelAdd) is { IsWanted: true } sum)
                {
                    Device.SumPositions(dy, sum);
                }
                if (SinkOf(x) is { IsWanted: true } dx)
                {
                    Device.Conv2dBackwardInput(dy, w, dx, g);
                }
            }
            PassGradient(y, residual);
        });
    }
}

/// <summary>Rows and columns of zeros around an image.</summary>
/// <param name="Top">Rows above.</param>
/// <param name="Left">Columns on the left.</param>
/// <param name="Bottom">Rows below.</param>
/// <param name="Right">Columns on the right.</param>
public readonly record struct Padding(int Top, int Left, int Bottom, int Right)
{
    /// <summary>The same on every side.</summary>
    public static Padding All(int pixels) => new(pixels, pixels, pixels, pixels);

    /// <summary>TensorFlow's SAME for a stride of 2 and even extents: one row below and one column on the right.</summary>
    public static Padding BottomRight => new(0, 0, 1, 1);
}
