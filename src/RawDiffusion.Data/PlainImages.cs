using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>Pictures that stand in a file as plain bytes, all of one size.</summary>
/// <param name="Format">The file's format, a part of the set's fingerprint.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Channels">1 or 3.</param>
/// <param name="Pixels">Each picture's bytes [Height, Width, Channels].</param>
/// <param name="Labels">Each picture's class, or null.</param>
/// <param name="ClassNames">The classes; empty if and only if there are no labels.</param>
internal sealed record PlainImages(
    string Format, int Height, int Width, int Channels, ReadOnlyMemory<byte>[] Pixels, int[]? Labels, IReadOnlyList<string> ClassNames)
{
    /// <summary>The set, at the size and with the channels that are asked for.</summary>
    /// <param name="source">What it was read from, for people.</param>
    /// <param name="options">What is asked for.</param>
    /// <exception cref="DataException">It takes too much memory.</exception>
    public IDataset ToDataset(string source, DatasetOptions options)
    {
        var size = options.Resize ?? new ImageSize(Height, Width);
        int channels = options.Channels ?? Channels;
        Image.CheckSize(size.Height, size.Width);
        long bytes = (long)Pixels.Length * size.Height * size.Width * channels;
        if (bytes > options.MemoryLimit)
        {
            throw new DataException($"{source}: its {Pixels.Length:N0} images take {bytes:N0} bytes, more than the {options.MemoryLimit:N0} that are allowed in memory. " +
                "Make them smaller with data.resize, or use fewer.");
        }
        var images = (size, channels) == (new ImageSize(Height, Width), Channels) ? Pixels : [.. Pixels.Select(image => Fit(image, size, channels))];
        using var fingerprint = new Fingerprint().Add(Format).Add(size.Height).Add(size.Width).Add(channels);
        foreach (string name in ClassNames)
        {
            fingerprint.Add(name);
        }
        for (int i = 0; i < images.Length; i++)
        {
            fingerprint.Add(Labels?[i] ?? -1).Add(images[i].Span);
        }
        options.Progress?.Report((images.Length, images.Length));
        return new MemoryDataset(size.Height, size.Width, channels, images, Labels, ClassNames, source, fingerprint.Finish());
    }

    /// <summary>Planes [channels, height, width] as pixels [height, width, channels].</summary>
    public static byte[] Interleave(ReadOnlySpan<byte> planes, int channels)
    {
        byte[] pixels = new byte[planes.Length];
        int plane = planes.Length / channels;
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = planes[i % channels * plane + i / channels];
        }
        return pixels;
    }

    private ReadOnlyMemory<byte> Fit(ReadOnlyMemory<byte> image, ImageSize size, int channels) =>
        AreaResize.CropAndResize(new Image(Height, Width, Channels, image.ToArray()), size.Height, size.Width).WithChannels(channels).Pixels;
}
