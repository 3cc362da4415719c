namespace RawDiffusion.Core;

/// <summary>
/// The extents of a 2-D convolution over NHWC images with weights [Cout, Kernel, Kernel, Cin]:
/// y[n, p, q, o] = Σ x[n, p·Stride + r − PadTop, q·Stride + s − PadLeft, i] · w[o, r, s, i], with zeros outside of the image.
/// </summary>
/// <param name="N">Images.</param>
/// <param name="H">Input rows.</param>
/// <param name="W">Input columns.</param>
/// <param name="Cin">Input channels.</param>
/// <param name="Cout">Output channels.</param>
/// <param name="Kernel">Rows and columns of the kernel.</param>
/// <param name="Stride">Input pixels from one output pixel to the next.</param>
/// <param name="PadTop">Rows of zeros above.</param>
/// <param name="PadLeft">Columns of zeros on the left.</param>
/// <param name="PadBottom">Rows of zeros below.</param>
/// <param name="PadRight">Columns of zeros on the right.</param>
public readonly record struct ConvGeometry(
    int N, int H, int W, int Cin, int Cout, int Kernel, int Stride, int PadTop, int PadLeft, int PadBottom, int PadRight)
{
    /// <summary>Output rows.</summary>
    public int OutH => (H + PadTop + PadBottom - Kernel) / Stride + 1;

    /// <summary>Output columns.</summary>
    public int OutW => (W + PadLeft + PadRight - Kernel) / Stride + 1;

    /// <summary>Multiply-adds of one pass (forward, input gradient or weight gradient), counting those with padding.</summary>
    public long MultiplyAdds => (long)N * OutH * OutW * Cout * Kernel * Kernel * Cin;
}
