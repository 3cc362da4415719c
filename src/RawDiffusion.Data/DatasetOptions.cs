namespace RawDiffusion.Data;

/// <summary>How a dataset is opened.</summary>
public sealed record DatasetOptions
{
    /// <summary>True: any image that cannot be read is a failure. False: such images are left out, and <see cref="Warn"/> is told.</summary>
    public bool Strict { get; init; } = true;

    /// <summary>Which part of the set to open.</summary>
    public DatasetSplit Split { get; init; }

    /// <summary>Bring images to this size: the largest centred part of this shape, shrunk or enlarged. Null: all must be of one size already.</summary>
    public ImageSize? Resize { get; init; }

    /// <summary>1 or 3 to convert image files; null: grey if all images are, else RGB.</summary>
    public int? Channels { get; init; }

    /// <summary>The most bytes that decoded images may take: half of the memory that is there.</summary>
    public long MemoryLimit { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

    /// <summary>Told of images read so far and in all.</summary>
    public IProgress<(int Done, int Total)>? Progress { get; init; }

    /// <summary>Told, in a sentence, of what is left out.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>Images in the built-in set of shapes.</summary>
    public int ShapesCount { get; init; } = 10_000;

    /// <summary>Rows and columns of the built-in set's images.</summary>
    public int ShapesSize { get; init; } = 32;
}
