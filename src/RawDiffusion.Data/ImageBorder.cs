using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>Where a data set's images stand in the network's larger ones: see <see cref="Centre"/>.</summary>
/// <param name="data">The images.</param>
/// <param name="height">Rows with the border: at least the images'.</param>
/// <param name="width">Columns with the border.</param>
public readonly struct ImageBorder(IDataset data, int height, int width)
{
    private readonly int _top = Centre.Begin(height, data.Height);

    /// <summary>The column at which images begin.</summary>
    public int Left { get; } = Centre.Begin(width, data.Width);

    /// <summary>Copies an image into its border, which stays as it is.</summary>
    /// <param name="image">[data's height, width, channels].</param>
    /// <param name="mirrored">Whether to turn it left to right.</param>
    /// <param name="target">[height, width, channels].</param>
    public void Put(ReadOnlySpan<byte> image, bool mirrored, Span<byte> target)
    {
        int channels = data.Channels, rowBytes = data.Width * channels;
        for (int y = 0; y < data.Height; y++)
        {
            var row = image.Slice(y * rowBytes, rowBytes);
            var to = target.Slice(((_top + y) * width + Left) * channels, rowBytes);
            if (mirrored)
            {
                Mirror(row, to, channels);
            }
            else
            {
                row.CopyTo(to);
            }
        }
    }

    private static void Mirror(ReadOnlySpan<byte> row, Span<byte> target, int channels)
    {
        for (int from = row.Length - channels, to = 0; from >= 0; from -= channels, to += channels)
        {
            row.Slice(from, channels).CopyTo(target[to..]);
        }
    }
}
