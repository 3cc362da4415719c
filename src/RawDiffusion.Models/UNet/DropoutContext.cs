using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>Where dropout masks come from.</summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Position">Int32 [2]: the training step, and the index of the batch's first sample.</param>
public readonly record struct DropoutContext(ulong Seed, Tensor Position);
