using RawDiffusion.Core;

namespace RawDiffusion.Testing;

/// <summary>
/// One small configuration of an op, from which the checks of <see cref="Conformance"/> follow for every device.
/// </summary>
/// <param name="Op">The op's name, as the contract has it.</param>
/// <param name="Name">What is particular about this case.</param>
/// <param name="Tolerance">How far a device may be from the reference.</param>
/// <param name="Tensors">Everything the op reads and writes, but for what a tape makes.</param>
public abstract record OpCase(string Op, string Name, Tolerance Tolerance, IReadOnlyList<CaseTensor> Tensors)
{
    /// <summary>Op and name: unique among all cases.</summary>
    public string FullName => $"{Op}/{Name}";

    /// <inheritdoc/>
    public sealed override string ToString() => FullName;
}

/// <summary>A case of an op that tapes record: run forward and, if a tensor is differentiable, backward from a random cotangent.</summary>
/// <param name="Op">The op's name.</param>
/// <param name="Name">What is particular about this case.</param>
/// <param name="Tolerance">How far a device may be from the reference.</param>
/// <param name="Tensors">The op's inputs.</param>
/// <param name="Forward">Runs the op.</param>
public sealed record TapeCase(string Op, string Name, Tolerance Tolerance, IReadOnlyList<CaseTensor> Tensors, Func<Tape, CaseTensors, Tensor> Forward)
    : OpCase(Op, Name, Tolerance, Tensors);

/// <summary>A case of a part of the contract that is called directly.</summary>
/// <param name="Op">The op's name.</param>
/// <param name="Name">What is particular about this case.</param>
/// <param name="Tolerance">How far a device may be from the reference.</param>
/// <param name="Tensors">What the op reads and writes.</param>
/// <param name="Call">Runs the op.</param>
public sealed record DeviceCase(string Op, string Name, Tolerance Tolerance, IReadOnlyList<CaseTensor> Tensors, Action<Device, CaseTensors> Call)
    : OpCase(Op, Name, Tolerance, Tensors);
