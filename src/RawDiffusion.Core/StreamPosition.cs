namespace RawDiffusion.Core;

/// <summary>Where all random streams of a training step stand. It is read from device memory, so that a recorded step replays with new numbers.</summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Position">Int32 [2]: the training step, and the place of the batch's first sample in the whole batch.</param>
public readonly record struct StreamPosition(ulong Seed, Tensor Position)
{
    /// <summary>The stream for one purpose.</summary>
    public RandomStream Stream(RandomPurpose purpose) => new(Seed, purpose, Position);
}
