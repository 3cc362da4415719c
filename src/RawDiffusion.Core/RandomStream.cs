namespace RawDiffusion.Core;

/// <summary>
/// A stream of random numbers for a batch: element e of sample n is word e mod 4 of the Philox block with counter
/// (e / 4, first sample + n, step, purpose) under the seed as key. Step and first sample are read from device memory when the op runs,
/// so that a captured graph replays with new ones.
/// </summary>
/// <param name="Seed">The key.</param>
/// <param name="Purpose">What the numbers are for.</param>
/// <param name="Position">Int32 [2]: the step, and the index of the batch's first sample.</param>
public readonly record struct RandomStream(ulong Seed, RandomPurpose Purpose, Tensor Position);
