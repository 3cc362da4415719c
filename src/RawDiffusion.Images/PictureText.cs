using SkiaSharp;

namespace RawDiffusion.Images;

/// <summary>Small text on pictures, in the typeface of the charts.</summary>
internal static class PictureText
{
    /// <summary>Rows that a line of text takes.</summary>
    public const int Height = 15;

    private const float Size = 11, Baseline = 11.5f;

    /// <summary>Columns that a text takes.</summary>
    public static int Measure(string text)
    {
        using var font = Font();
        return (int)Math.Ceiling(font.MeasureText(text));
    }

    /// <summary>Writes grey text whose upper left corner is given; what lies outside is cut off.</summary>
    public static void Write(Image image, string text, int top, int left, byte ink)
    {
        int width = Measure(text);
        if (width == 0)
        {
            return;
        }
        using var font = Font();
        using var cover = new SKBitmap(new SKImageInfo(width, Height, SKColorType.Alpha8, SKAlphaType.Premul));
        using (var canvas = new SKCanvas(cover))
        using (var paint = new SKPaint { IsAntialias = true })
        {
            canvas.Clear(SKColors.Transparent);
            canvas.DrawText(text, 0, Baseline, font, paint);
        }
        var covered = cover.GetPixelSpan();
        for (int y = Math.Max(0, -top); y < Math.Min(Height, image.Height - top); y++)
        {
            for (int x = Math.Max(0, -left); x < Math.Min(width, image.Width - left); x++)
            {
                foreach (ref byte pixel in image.Pixels.AsSpan(((top + y) * image.Width + left + x) * image.Channels, image.Channels))
                {
                    pixel = (byte)(pixel + (ink - pixel) * covered[y * cover.RowBytes + x] / 255);
                }
            }
        }
    }

    private static SKFont Font() => new(ChartFont.Typeface, Size) { Edging = SKFontEdging.Antialias, Subpixel = true };
}
