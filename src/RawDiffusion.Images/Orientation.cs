namespace RawDiffusion.Images;

/// <summary>Brings a picture into the place that its EXIF orientation means (EXIF 2.32, tag 274).</summary>
internal static class Orientation
{
    /// <summary>The picture as it is to be seen.</summary>
    /// <param name="image">The picture as it is stored.</param>
    /// <param name="orientation">1 as stored, 2 mirrored, 3 turned half, 4 upside down, 5 to 8 with rows for columns; any other is taken as 1, as viewers do.</param>
    public static Image Apply(Image image, int orientation)
    {
        if (orientation is < 2 or > 8)
        {
            return image;
        }
        var (height, width, channels) = (image.Height, image.Width, image.Channels);
        bool mirrored = orientation is 2 or 3 or 7 or 8, upsideDown = orientation is 3 or 4 or 6 or 7, transposed = orientation >= 5;
        var result = transposed ? new Image(width, height, channels) : new Image(height, width, channels);
        for (int y = 0; y < result.Height; y++)
        {
            for (int x = 0; x < result.Width; x++)
            {
                var (row, column) = transposed ? (x, y) : (y, x);
                (row, column) = (upsideDown ? height - 1 - row : row, mirrored ? width - 1 - column : column);
                image.Pixels.AsSpan((row * width + column) * channels, channels).CopyTo(result.Pixels.AsSpan((y * result.Width + x) * channels));
            }
        }
        return result;
    }
}
