namespace RawDiffusion.Data;

/// <summary>What a <see cref="BatchLoader"/> makes.</summary>
public sealed record BatchLoaderOptions
{
    /// <summary>Images per batch.</summary>
    public required int BatchSize { get; init; }

    /// <summary>The seed of the run, which fixes order and flips.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Where to go on: <see cref="BatchLoader.Cursor"/> of the loader before, or 0.</summary>
    public long Cursor { get; init; }

    /// <summary>Mirror every second image, by chance.</summary>
    public bool Flip { get; init; }

    /// <summary>
    /// Rows after padding, 0 for none. The border is even on both sides, an odd row goes to the bottom;
    /// <see cref="Images.Image.CropCentre"/> undoes it.
    /// </summary>
    public int PaddedHeight { get; init; }

    /// <summary>Columns after padding, 0 for none.</summary>
    public int PaddedWidth { get; init; }

    /// <summary>The byte that the border is filled with.</summary>
    public byte PaddingValue { get; init; }

    /// <summary>Threads that prepare batches. What comes out does not depend on it.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Batches prepared ahead.</summary>
    public int QueueLength { get; init; } = 3;
}
