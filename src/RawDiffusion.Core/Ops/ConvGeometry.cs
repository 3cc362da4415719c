namespace RawDiffusion.Core;

/// <summary>
/// The shape of a two-dimensional convolution of x [N,H,W,Cin] with weights [Cout,Kernel,Kernel,Cin] to y [N,OutH,OutW,Cout]:
/// y[n,i,j,o] = Σ_{r,s,c} x[n, i·Stride + r − PadTop, j·Stride + s − PadLeft, c] · w[o,r,s,c], with zeros outside of x.
/// </summary>
/// <param name="N">Images.</param>
/// <param name="H">Rows of x, in pixels.</param>
/// <param name="W">Columns of x, in pixels.</param>
/// <param name="Cin">Channels of x.</param>
/// <param name="Cout">Channels of y.</param>
/// <param name="Kernel">Rows and columns of the kernel.</param>
/// <param name="Stride">Distance of neighbouring outputs in x, in pixels.</param>
/// <param name="PadTop">Rows of zeros above x.</param>
/// <param name="PadLeft">Columns of zeros to the left of x.</param>
/// <param name="PadBottom">Rows of zeros below x.</param>
/// <param name="PadRight">Columns of zeros to the right of x.</param>
public readonly record struct ConvGeometry(
    int N, int H, int W, int Cin, int Cout, int Kernel, int Stride, int PadTop, int PadLeft, int PadBottom, int PadRight)
{
    /// <summary>Rows of y.</summary>
    public int OutH => (H + PadTop + PadBottom - Kernel) / Stride + 1;

    /// <summary>Columns of y.</summary>
    public int OutW => (W + PadLeft + PadRight - Kernel) / Stride + 1;

    /// <summary>The shape of x.</summary>
    internal Shape Input => new(N, H, W, Cin);

    /// <summary>The shape of the weights.</summary>
    internal Shape Weights => new(Cout, Kernel, Kernel, Cin);

    /// <summary>The shape of y.</summary>
    internal Shape Output => new(N, OutH, OutW, Cout);

    /// <summary>Multiplications and additions of one pass (forward, or backward to the input or to the weights), padding included.</summary>
    public long Flops => 2L * N * OutH * OutW * Cout * Kernel * Kernel * Cin;

    /// <summary>Checks that there is such a convolution.</summary>
    /// <param name="op">Who asks, for the message.</param>
    /// <exception cref="ArgumentException">Sizes below one, an image smaller than the kernel, or negative padding or padding as wide as the kernel.</exception>
    public void Check(string op)
    {
        if (Math.Min(Math.Min(N, Cin), Math.Min(Math.Min(H, W), Math.Min(Cout, Math.Min(Kernel, Stride)))) < 1
            || Math.Min(Math.Min(PadTop, PadLeft), Math.Min(PadBottom, PadRight)) < 0
            || H + PadTop + PadBottom < Kernel || W + PadLeft + PadRight < Kernel || Math.Max(PadTop, PadLeft) >= Kernel)
        {
            throw new ArgumentException($"{op}: expected positive sizes, an image at least as large as the kernel with its padding, and padding smaller than the " +
                $"kernel; found {this}");
        }
    }

    /// <summary>The extents as messages show them.</summary>
    public override string ToString() =>
        $"x [{N}, {H}, {W}, {Cin}], w [{Cout}, {Kernel}, {Kernel}, {Cin}], stride {Stride}, padding ({PadTop}, {PadLeft}, {PadBottom}, {PadRight})";

    /// <summary>A convolution that keeps height and width at stride 1, with an odd kernel and equal padding on all sides.</summary>
    /// <param name="n">Images.</param>
    /// <param name="h">Rows of x, in pixels.</param>
    /// <param name="w">Columns of x, in pixels.</param>
    /// <param name="cin">Channels of x.</param>
    /// <param name="cout">Channels of y.</param>
    /// <param name="kernel">Rows and columns of the kernel.</param>
    /// <param name="stride">Distance of neighbouring outputs in x, in pixels.</param>
    public static ConvGeometry Symmetric(int n, int h, int w, int cin, int cout, int kernel = 3, int stride = 1) =>
        new(n, h, w, cin, cout, kernel, stride, kernel / 2, kernel / 2, kernel / 2, kernel / 2);
}
