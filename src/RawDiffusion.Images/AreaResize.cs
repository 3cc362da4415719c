using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>
/// Brings pictures to one size: the largest centred part of the wanted shape, shrunk to the mean over each target pixel's area, or enlarged
/// bilinearly with pixels' centres at half numbers. Integer arithmetic throughout, so the same bytes on every machine.
/// </summary>
public static class AreaResize
{
    /// <summary>A picture of [height, width].</summary>
    /// <exception cref="DataException">The size is out of bounds.</exception>
    public static Image CropAndResize(Image image, int height, int width)
    {
        Image.CheckSize(height, width);
        long partHeight = Math.Min(image.Height, (long)image.Width * height / width);
        long partWidth = Math.Min(image.Width, (long)image.Height * width / height);
        var part = image.CropCentre((int)Math.Max(partHeight, 1), (int)Math.Max(partWidth, 1));
        return part.Height == height && part.Width == width ? part : Resize(part, height, width);
    }

    private static Image Resize(Image source, int height, int width)
    {
        var result = new Image(height, width, source.Channels);
        var (rows, columns) = (Taps(source.Height, height), Taps(source.Width, width));
        // No row is needed again once a row two below it has been.
        long[][] kept = [new long[width * source.Channels], new long[width * source.Channels]];
        int[] keptRows = [-1, -1];
        long[] sums = new long[width * source.Channels];
        long total = Total(source.Height, height) * Total(source.Width, width);
        for (int tap = 0, y = 0; y < height; y++)
        {
            for (Array.Clear(sums); tap < rows.Count && rows[tap].To == y; tap++)
            {
                int from = rows[tap].From;
                long[] row = kept[from % 2];
                if (keptRows[from % 2] != from)
                {
                    keptRows[from % 2] = from;
                    ResizeRow(source, from, columns, row);
                }
                for (int i = 0; i < sums.Length; i++)
                {
                    sums[i] += rows[tap].Weight * row[i];
                }
            }
            for (int i = 0; i < sums.Length; i++)
            {
                result.Pixels[y * sums.Length + i] = (byte)((sums[i] + total / 2) / total);
            }
        }
        return result;
    }

    private static void ResizeRow(Image source, int row, List<Tap> columns, long[] sums)
    {
        Array.Clear(sums);
        int channels = source.Channels;
        var pixels = source.Pixels.AsSpan(row * source.Width * channels, source.Width * channels);
        foreach (var (from, to, weight) in columns)
        {
            for (int c = 0; c < channels; c++)
            {
                sums[to * channels + c] += weight * pixels[from * channels + c];
            }
        }
    }

    // What the weights of a target pixel add up to: of its source cells when shrinking, of two centres' distances when enlarging.
    private static long Total(int source, int target) => target <= source ? source : 2L * target;

    private static List<Tap> Taps(int source, int target)
    {
        var taps = new List<Tap>();
        for (int to = 0; to < target; to++)
        {
            if (target <= source)
            {
                // In units of 1/target source pixels, target cell [to·source, (to+1)·source) overlaps source cells [from·target, (from+1)·target).
                long begin = (long)to * source, end = begin + source;
                for (long from = begin / target; from * target < end; from++)
                {
                    taps.Add(new Tap((int)from, to, Math.Min(end, (from + 1) * target) - Math.Max(begin, from * target)));
                }
            }
            else
            {
                // In units of 1/(2·target), the target's centre lies at (2·to + 1)·source − target of the source's centres, the outermost of which go on for ever.
                long place = Math.Clamp((2L * to + 1) * source - target, 0, 2L * target * (source - 1));
                long first = place / (2L * target), share = place % (2L * target);
                taps.Add(new Tap((int)first, to, 2L * target - share));
                if (share > 0)
                {
                    taps.Add(new Tap((int)first + 1, to, share));
                }
            }
        }
        return taps;
    }

    /// <summary>How much of a source pixel goes into a target pixel.</summary>
    private readonly record struct Tap(int From, int To, long Weight);
}
