using RawDiffusion.Core;

namespace RawDiffusion.Cases;

/// <summary>A case of an op that tapes record: run forward and, if a tensor is differentiable, backward from a random cotangent.</summary>
/// <param name="Op">The op's name.</param>
/// <param name="Name">What is particular about this case.</param>
/// <param name="Tolerance">How far a device may be from the reference.</param>
/// <param name="Tensors">The op's inputs.</param>
/// <param name="Forward">Runs the op.</param>
public sealed record TapeCase(string Op, string Name, Tolerance Tolerance, IReadOnlyList<CaseTensor> Tensors, Func<Tape, CaseTensors, Tensor> Forward)
    : OpCase(Op, Name, Tolerance, Tensors);
