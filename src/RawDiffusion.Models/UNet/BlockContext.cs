using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>What a forward pass has with it besides its inputs.</summary>
/// <param name="Tape">Runs the ops.</param>
/// <param name="ActivatedEmbedding">SiLU of the time embedding [N, E], which every residual block projects.</param>
/// <param name="Dropout">Seed and position of the dropout masks while training; null without dropout.</param>
public readonly record struct BlockContext(Tape Tape, Tensor ActivatedEmbedding, DropoutContext? Dropout);
