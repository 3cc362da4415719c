using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>Brings pictures to one size: the largest centred part of the wanted shape, then the mean over each target pixel's area.</summary>
public static class AreaResize
{
    /// <summary>A picture of [height, width]. Integer arithmetic throughout, so the same bytes on every machine.</summary>
    /// <exception cref="DataException">The picture is smaller than wanted; nothing is enlarged.</exception>
    public static Image CropAndShrink(Image image, int height, int width)
    {
        if (image.Height < height || image.Width < width)
        {
            throw new DataException($"the picture is {image.Height}×{image.Width}, smaller than the {height}×{width} asked for");
        }
        long partHeight = Math.Min(image.Height, (long)image.Width * height / width);
        long partWidth = Math.Min(image.Width, (long)image.Height * width / height);
        var part = image.CropCentre((int)Math.Max(partHeight, height), (int)Math.Max(partWidth, width));
        return part.Height == height && part.Width == width ? part : Shrink(part, height, width);
    }

    // In units of 1/(height·width) source pixels all areas are whole numbers: target row y covers source [y·H, (y+1)·H) of height·H.
    private static Image Shrink(Image source, int height, int width)
    {
        int channels = source.Channels;
        var result = new Image(height, width, channels);
        long[] columns = new long[source.Height * width * channels];
        for (int y = 0; y < source.Height; y++)
        {
            Accumulate(source.Width, width, (from, to, weight) =>
            {
                for (int c = 0; c < channels; c++)
                {
                    columns[(y * width + to) * channels + c] += weight * source.Pixels[(y * source.Width + from) * channels + c];
                }
            });
        }
        int rowLength = width * channels;
        long[] sums = new long[height * rowLength];
        Accumulate(source.Height, height, (from, to, weight) =>
        {
            for (int i = 0; i < rowLength; i++)
            {
                sums[to * rowLength + i] += weight * columns[from * rowLength + i];
            }
        });
        long area = (long)source.Height * source.Width;
        for (int i = 0; i < sums.Length; i++)
        {
            result.Pixels[i] = (byte)((sums[i] + area / 2) / area);
        }
        return result;
    }

    // Every overlap of a source cell [from·target, (from+1)·target) with a target cell [to·source, (to+1)·source).
    private static void Accumulate(int source, int target, Action<int, int, long> add)
    {
        for (int to = 0; to < target; to++)
        {
            long begin = (long)to * source, end = begin + source;
            for (long from = begin / target; from * target < end; from++)
            {
                add((int)from, to, Math.Min(end, (from + 1) * target) - Math.Max(begin, from * target));
            }
        }
    }
}
