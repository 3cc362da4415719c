namespace RawDiffusion.Data;

/// <summary>Decoded images in memory.</summary>
internal sealed class MemoryDataset : IDataset
{
    private readonly ReadOnlyMemory<byte>[] _images;
    private readonly int[]? _labels;

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
        (Height, Width, Channels, _images, _labels, ClassNames, Fingerprint) = (height, width, channels, images, labels, classNames, fingerprint);
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

    public int Label(int index) => _labels is null ? -1 : _labels[index];

    public void Read(int index, Span<byte> hwc) => _images[index].Span.CopyTo(hwc);
}
