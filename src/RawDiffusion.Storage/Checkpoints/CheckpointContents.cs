using System.Text.Json.Nodes;

namespace RawDiffusion.Storage;

/// <summary>What a checkpoint is to hold.</summary>
/// <param name="Step">The number of optimiser steps done.</param>
/// <param name="TensorFiles">The files of tensors.</param>
/// <param name="State">Everything else, written as <c>state.json</c>.</param>
public sealed record CheckpointContents(long Step, IReadOnlyList<TensorFile> TensorFiles, JsonObject State);

/// <summary>One file of tensors in a checkpoint.</summary>
/// <param name="Name">The file's name, such as <c>weights.safetensors</c>.</param>
/// <param name="Tensors">Its tensors; callbacks are run while the file is written, one at a time.</param>
public sealed record TensorFile(string Name, IReadOnlyList<TensorSource> Tensors);

/// <summary>Which checkpoints stay when a new one is in place.</summary>
/// <param name="Last">How many of the latest stay, the new one included; at least 1.</param>
/// <param name="Every">Those whose step is a multiple of this stay for good; 0 for none.</param>
public sealed record CheckpointRetention(int Last = 3, long Every = 0)
{
    /// <summary>Whether the checkpoint that is <paramref name="age"/> places behind the newest (0) stays.</summary>
    internal bool Keeps(long step, int age) => age < Math.Max(1, Last) || (Every > 0 && step % Every == 0);
}
