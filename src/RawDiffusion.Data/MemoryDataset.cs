using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>Decoded images in memory.</summary>
internal sealed class MemoryDataset : IDataset
{
    private readonly ReadOnlyMemory<byte>[] _images;
    private readonly int[]? _labels;
    private readonly string _source;

    /// <param name="height">Rows of each image.</param>
    /// <param name="width">Columns of each image.</param>
    /// <param name="channels">Channels of each image.</param>
    /// <param name="images">Each image's bytes [height, width, channels].</param>
    /// <param name="labels">Each image's class, or null.</param>
    /// <param name="classNames">The classes; empty if and only if there are no labels.</param>
    /// <param name="source">What the set was read from, for people.</param>
    /// <param name="fingerprint">Hash of the content.</param>
    public MemoryDataset(
        int height, int width, int channels, ReadOnlyMemory<byte>[] images, int[]? labels, IReadOnlyList<string> classNames, string source, string fingerprint)
    {
        (Height, Width, Channels, _images, _labels, ClassNames, Fingerprint, _source) = (height, width, channels, images, labels, classNames, fingerprint, source);
        string kind = channels == 1 ? "grey" : "RGB", classes = labels is null ? "without labels" : $"in {classNames.Count} classes";
        Description = $"{images.Length:N0} {kind} image{(images.Length == 1 ? "" : "s")} of {height}×{width} {classes} from {source}";
    }

    public int Count => _images.Length;

    public int Height { get; }

    public int Width { get; }

    public int Channels { get; }

    public IReadOnlyList<string> ClassNames { get; }

    public string Description { get; }

    public string Fingerprint { get; }

    public string? FormerFingerprint { get; init; }

    /// <summary>The set at the size and with the channels that are asked for: this one where it has them.</summary>
    /// <param name="options">What is asked for.</param>
    /// <exception cref="DataException">It takes too much memory.</exception>
    public MemoryDataset FittedTo(DatasetOptions options)
    {
        var size = options.Resize ?? new ImageSize(Height, Width);
        int channels = options.Channels ?? Channels;
        Image.CheckSize(size.Height, size.Width);
        long bytes = (long)Count * size.Height * size.Width * channels;
        if (bytes > options.MemoryLimit)
        {
            throw new DataException($"{_source}: its {Count:N0} images take {bytes:N0} bytes, more than the {options.MemoryLimit:N0} that are allowed in memory. " +
                "Make them smaller with data.resize, or use fewer.");
        }
        if ((size, channels) == (new ImageSize(Height, Width), Channels))
        {
            return this;
        }
        using var fingerprint = new Fingerprint().Add("fitted").Add(Fingerprint).Add(size.Height).Add(size.Width).Add(channels);
        ReadOnlyMemory<byte>[] images = [.. _images.Select(image => (ReadOnlyMemory<byte>)AreaResize.CropAndResize(
            new Image(Height, Width, Channels, image.ToArray()), size.Height, size.Width).WithChannels(channels).Pixels)];
        return new MemoryDataset(size.Height, size.Width, channels, images, _labels, ClassNames, _source, fingerprint.Finish());
    }

    public int Label(int index) => _labels is null ? -1 : _labels[index];

    public void Read(int index, Span<byte> hwc) => _images[index].Span.CopyTo(hwc);
}
