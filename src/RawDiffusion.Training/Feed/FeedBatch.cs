namespace RawDiffusion.Training;

/// <summary>
/// A batch as a training step takes it, on the host: images as bytes, as numbers, or as places in a data set that is on the device; exactly
/// one of the three. The step reads it before <see cref="TrainingStep.Run"/> returns, and keeps none of it.
/// </summary>
public sealed record FeedBatch
{
    /// <summary>Images in the batch, N.</summary>
    public required int Count { get; init; }

    /// <summary>Images as bytes, [N, H, W, C].</summary>
    public ReadOnlyMemory<byte> Pixels { get; init; }

    /// <summary>Images as numbers in [−1, 1], [N, H, W, C].</summary>
    public ReadOnlyMemory<float> Images { get; init; }

    /// <summary>A data set on the device, of the step's image size. The step reads it until it is given others, and does not dispose it.</summary>
    public DeviceImages? DataSet { get; init; }

    /// <summary>[N, 2]: an image of the data set, and whether to mirror it (1) or not (0).</summary>
    public ReadOnlyMemory<int> Picks { get; init; }

    /// <summary>[N]; empty for data without labels.</summary>
    public ReadOnlyMemory<int> Labels { get; init; }

    /// <summary>Condition planes, [N, H, W, P]; empty without.</summary>
    public ReadOnlyMemory<float> Planes { get; init; }

    /// <summary>The place of the first image in the whole batch, of which this may be a part.</summary>
    public int FirstSample { get; init; }

    /// <summary>Images in the whole batch; if not set, this batch ends it.</summary>
    public int WholeBatch { get => Math.Max(field, FirstSample + Count); init; }

    /// <summary>A part of the batch, which trains on what the whole would train on there: the same images, timesteps, noise and dropped labels.</summary>
    /// <param name="first">The first image of the part.</param>
    /// <param name="count">Images of the part.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part does not lie within the batch.</exception>
    public FeedBatch Slice(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count - first);
        return this with
        {
            Count = count,
            Pixels = Part(Pixels),
            Images = Part(Images),
            Picks = Part(Picks),
            Labels = Part(Labels),
            Planes = Part(Planes),
            FirstSample = FirstSample + first,
            WholeBatch = WholeBatch,
        };

        ReadOnlyMemory<T> Part<T>(ReadOnlyMemory<T> whole) => whole.Slice(whole.Length / Count * first, whole.Length / Count * count);
    }
}
