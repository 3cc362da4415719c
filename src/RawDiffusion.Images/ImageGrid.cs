namespace RawDiffusion.Images;

/// <summary>How pictures are laid out side by side.</summary>
/// <param name="Columns">Pictures per row; 0 for the layout nearest to a square.</param>
/// <param name="Gap">Pixels between pictures and around them.</param>
/// <param name="Scale">Each pixel becomes a square of this many.</param>
/// <param name="Background">The byte that gaps are filled with.</param>
public sealed record GridStyle(int Columns = 0, int Gap = 2, int Scale = 1, byte Background = 32);

/// <summary>Many small pictures as one.</summary>
public static class ImageGrid
{
    /// <summary>Lays out pictures of one size row by row. Places that are left over in the last row stay empty.</summary>
    /// <exception cref="ArgumentException">There are none, or their sizes differ.</exception>
    public static Image Tile(IReadOnlyList<Image> images, GridStyle? style = null)
    {
        style ??= new GridStyle();
        if (images.Count == 0 || images.DistinctBy(image => (image.Height, image.Width, image.Channels)).Count() > 1)
        {
            throw new ArgumentException("A grid takes at least one picture, and all of one size.", nameof(images));
        }
        int columns = style.Columns > 0 ? style.Columns : (int)Math.Ceiling(Math.Sqrt(images.Count)), rows = (images.Count + columns - 1) / columns;
        int stepY = images[0].Height * style.Scale + style.Gap, stepX = images[0].Width * style.Scale + style.Gap;
        var grid = new Image(rows * stepY + style.Gap, columns * stepX + style.Gap, images[0].Channels);
        grid.Pixels.AsSpan().Fill(style.Background);
        for (int i = 0; i < images.Count; i++)
        {
            grid.Paste(Enlarge(images[i], style.Scale), style.Gap + i / columns * stepY, style.Gap + i % columns * stepX);
        }
        return grid;
    }

    /// <summary>The pictures of a batch of values [count, height, width, channels] in [−1, 1].</summary>
    public static Image[] Split(ReadOnlySpan<float> nhwc, int count, int height, int width, int channels)
    {
        var images = new Image[count];
        int length = height * width * channels;
        for (int i = 0; i < count; i++)
        {
            images[i] = Image.FromUnit(nhwc.Slice(i * length, length), height, width, channels);
        }
        return images;
    }

    /// <summary>The pictures of a batch of bytes [count, height, width, channels].</summary>
    public static Image[] Split(ReadOnlySpan<byte> nhwc, int count, int height, int width, int channels)
    {
        var images = new Image[count];
        int length = height * width * channels;
        for (int i = 0; i < count; i++)
        {
            images[i] = new Image(height, width, channels, nhwc.Slice(i * length, length).ToArray());
        }
        return images;
    }

    private static Image Enlarge(Image image, int scale)
    {
        if (scale == 1)
        {
            return image;
        }
        var result = new Image(image.Height * scale, image.Width * scale, image.Channels);
        for (int i = 0; i < result.Height * result.Width; i++)
        {
            int y = i / result.Width / scale, x = i % result.Width / scale;
            image.Pixels.AsSpan((y * image.Width + x) * image.Channels, image.Channels).CopyTo(result.Pixels.AsSpan(i * image.Channels));
        }
        return result;
    }
}
