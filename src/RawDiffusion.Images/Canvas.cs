namespace RawDiffusion.Images;

/// <summary>A colour of 8 bits per channel.</summary>
internal readonly record struct Colour(byte R, byte G, byte B);

/// <summary>Draws antialiased lines, dots and text onto an RGB picture; what lies outside is cut off.</summary>
internal sealed class Canvas(Image image)
{
    /// <summary>The picture drawn on.</summary>
    public Image Image => image;

    /// <summary>Fills everything.</summary>
    public void Clear(Colour colour) => Rectangle(0, 0, image.Width, image.Height, colour);

    /// <summary>Fills the pixels [left, left + width) × [top, top + height).</summary>
    public void Rectangle(int left, int top, int width, int height, Colour colour)
    {
        for (int y = Math.Max(0, top); y < Math.Min(image.Height, top + height); y++)
        {
            for (int x = Math.Max(0, left); x < Math.Min(image.Width, left + width); x++)
            {
                Blend(x, y, colour, 1);
            }
        }
    }

    /// <summary>A line with round ends between two points; a dot where they are one. Pixel centres lie at halves.</summary>
    public void Line(double x0, double y0, double x1, double y1, double thickness, Colour colour, double opacity = 1)
    {
        double reach = thickness / 2 + 1, ex = x1 - x0, ey = y1 - y0, squared = ex * ex + ey * ey;
        int top = (int)Math.Max(0, Math.Min(y0, y1) - reach), bottom = (int)Math.Min(image.Height - 1, Math.Max(y0, y1) + reach);
        int left = (int)Math.Max(0, Math.Min(x0, x1) - reach), right = (int)Math.Min(image.Width - 1, Math.Max(x0, x1) + reach);
        for (int y = top; y <= bottom; y++)
        {
            for (int x = left; x <= right; x++)
            {
                double px = x + 0.5 - x0, py = y + 0.5 - y0;
                double along = squared == 0 ? 0 : Math.Clamp((px * ex + py * ey) / squared, 0, 1);
                double dx = px - along * ex, dy = py - along * ey;
                Blend(x, y, colour, opacity * Math.Clamp(thickness / 2 + 0.5 - Math.Sqrt(dx * dx + dy * dy), 0, 1));
            }
        }
    }

    /// <summary>Text whose upper left corner is given, each dot of the font a square of <paramref name="scale"/> pixels.</summary>
    public void Text(string text, int left, int top, int scale, Colour colour)
    {
        for (int i = 0; i < text.Length; i++)
        {
            for (int dot = 0; dot < BitmapFont.Width * BitmapFont.Height; dot++)
            {
                int x = dot % BitmapFont.Width, y = dot / BitmapFont.Width;
                if (BitmapFont.IsSet(text[i], x, y))
                {
                    Rectangle(left + (i * BitmapFont.Advance + x) * scale, top + y * scale, scale, scale, colour);
                }
            }
        }
    }

    private void Blend(int x, int y, Colour colour, double opacity)
    {
        if (opacity <= 0)
        {
            return;
        }
        var pixel = image.Pixels.AsSpan((y * image.Width + x) * 3, 3);
        pixel[0] = (byte)(pixel[0] + (colour.R - pixel[0]) * opacity + 0.5);
        pixel[1] = (byte)(pixel[1] + (colour.G - pixel[1]) * opacity + 0.5);
        pixel[2] = (byte)(pixel[2] + (colour.B - pixel[2]) * opacity + 0.5);
    }
}
