namespace RawDiffusion.Pipelines;

/// <summary>What a run needs to remember of its data: to draw images of the same size, and to notice when a resume gets other data.</summary>
public sealed record DatasetInfo
{
    /// <summary>Rows of an image.</summary>
    public required int Height { get; init; }

    /// <summary>Columns of an image.</summary>
    public required int Width { get; init; }

    /// <summary>1 for grey, 3 for RGB.</summary>
    public required int Channels { get; init; }

    /// <summary>The number of images.</summary>
    public required int Count { get; init; }

    /// <summary>The names of the labels; empty without labels.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>The mean of each channel, from −1 (black) to 1 (white); null where runs of older versions did not measure it.</summary>
    public IReadOnlyList<double>? ChannelMeans { get; init; }

    /// <summary>The standard deviation of each channel, on the same scale.</summary>
    public IReadOnlyList<double>? ChannelDeviations { get; init; }

    /// <summary>A hash that tells data sets apart.</summary>
    public required string Fingerprint { get; init; }
}
