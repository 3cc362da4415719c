using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>What a forward pass has with it besides its inputs.</summary>
/// <param name="Tape">Runs the ops.</param>
/// <param name="ActivatedEmbedding">SiLU of the time embedding [N, E], which every residual block projects.</param>
/// <param name="Random">Where dropout masks come from while training; null outside of it.</param>
public readonly record struct BlockContext(Tape Tape, Tensor ActivatedEmbedding, StreamPosition? Random);
