using System.Runtime.InteropServices;
using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

/// <summary>
/// A convolution as the kernels take it (<c>ConvProblem</c> of implicit_gemm.cuh, field by field): pixel (i, j) of Rows by Columns in each
/// image, and tap (r, s), meet at the source's pixel (i·Stride − PadTop + r, j·Stride − PadLeft + s); the result goes to the target's pixel
/// (FirstRow + i·Spacing, FirstColumn + j·Spacing).
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ConvProblem(
    int Images, int SourceH, int SourceW, int SourceC,
    int Rows, int Columns, int Channels,
    int KernelH, int KernelW, int Stride, int PadTop, int PadLeft,
    int TargetH, int TargetW, int Spacing, int FirstRow, int FirstColumn)
{
    // Loops go on by a tile or two beyond the end.
    private const int LargestIndex = int.MaxValue - 4096;

    /// <summary>Pixels of all images.</summary>
    public int Pixels => Images * Rows * Columns;

    /// <summary>Products that are summed for one element of the result.</summary>
    public int Depth => KernelH * KernelW * SourceC;

    /// <summary>Elements of the result, its channels rounded up to a multiple of 4: what each part of a split sum takes.</summary>
    public long PaddedCount => (long)Pixels * ((Channels + 3) / 4 * 4);

    /// <summary>Throws if there is more to count than the 32 bits hold in which the kernels count pixels, products and the elements of a tile's images.</summary>
    /// <exception cref="DeviceException">There is.</exception>
    public void RequireSmallEnough()
    {
        long pixelsOfImage = (long)Rows * Columns, imagesOfTile = Math.Min(Images, (pixelsOfImage + ConvTile.MostRows - 2) / pixelsOfImage + 1);
        if (Images * pixelsOfImage > LargestIndex || (long)KernelH * KernelW * SourceC > LargestIndex || (Int128)imagesOfTile * SourceH * SourceW * SourceC > LargestIndex)
        {
            throw new DeviceException(
                $"A convolution is too large for its kernels, which count in 32 bits: {Images} images of {SourceH} by {SourceW} pixels and {SourceC} channels, " +
                $"to {Rows} by {Columns} pixels. Use a smaller batch or smaller images.");
        }
    }

    /// <summary>A convolution itself: source x, target y.</summary>
    public static ConvProblem Forward(in ConvGeometry g) =>
        new(g.N, g.H, g.W, g.Cin, g.OutH, g.OutW, g.Cout, g.Kernel, g.Kernel, g.Stride, g.PadTop, g.PadLeft, g.OutH, g.OutW, 1, 0, 0);

    /// <summary>A plain matrix [rows, columns] as a target.</summary>
    public static ConvProblem Matrix(int rows, int columns) =>
        new(1, 0, 0, 0, 1, rows, columns, 0, 1, 1, 0, 0, 1, rows, 1, 0, 0);
}
