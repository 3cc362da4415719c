namespace RawDiffusion.Diffusion;

/// <summary>
/// Where a training step stands: what every random number of it is a function of. A batch may be split over micro-batches or devices; each
/// part knows its place in the whole, and draws what the whole would draw there.
/// </summary>
public readonly ref struct StepNumbers
{
    /// <summary>The run's seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Training steps done before.</summary>
    public required long Step { get; init; }

    /// <summary>Samples in this batch.</summary>
    public required int Samples { get; init; }

    /// <summary>The place of the first of them in the whole batch.</summary>
    public required int FirstSample { get; init; }

    /// <summary>Samples in the whole batch.</summary>
    public required int WholeBatch { get; init; }

    /// <summary>The batch's labels [N], to be changed in place if the objective drops some; empty for data without labels.</summary>
    public Span<int> Labels { get; init; }
}
