namespace RawDiffusion.Core;

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
