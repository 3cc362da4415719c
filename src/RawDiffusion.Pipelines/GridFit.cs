using RawDiffusion.Images;

namespace RawDiffusion.Pipelines;

/// <summary>A grid of samples in a picture of limited size.</summary>
/// <param name="Style">How it is laid out.</param>
/// <param name="Shown">How many of the images it shows, the first ones.</param>
internal readonly record struct GridFit(GridStyle Style, int Shown)
{
    // Small images are enlarged to about this many columns, to be seen.
    private const int ColumnsToBeSeen = 64;

    /// <summary>The layout of as many images as fit, enlarged as far as all fit.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="height">Rows of each.</param>
    /// <param name="width">Columns of each.</param>
    /// <param name="side">The longest side that the picture may have.</param>
    public static GridFit Of(int count, int height, int width, int side)
    {
        int gap = new GridStyle().Gap;
        for (int scale = Math.Max(1, ColumnsToBeSeen / width); ; scale--)
        {
            int mostRows = Math.Max(1, (side - gap) / (height * scale + gap)), mostColumns = Math.Max(1, (side - gap) / (width * scale + gap));
            if (scale > 1 && (long)mostRows * mostColumns < count)
            {
                continue;
            }
            int shown = (int)Math.Min(count, (long)mostRows * mostColumns);
            int columns = Math.Clamp((int)Math.Ceiling(Math.Sqrt(shown)), (shown + mostRows - 1) / mostRows, mostColumns);
            return new GridFit(new GridStyle(Columns: columns, Scale: scale), shown);
        }
    }
}
