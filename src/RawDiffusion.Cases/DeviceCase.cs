using RawDiffusion.Core;

namespace RawDiffusion.Cases;

/// <summary>A case of a part of the contract that is called directly.</summary>
/// <param name="Op">The op's name.</param>
/// <param name="Name">What is particular about this case.</param>
/// <param name="Tolerance">How far a device may be from the reference.</param>
/// <param name="Tensors">What the op reads and writes.</param>
/// <param name="Call">Runs the op.</param>
public sealed record DeviceCase(string Op, string Name, Tolerance Tolerance, IReadOnlyList<CaseTensor> Tensors, Action<Device, CaseTensors> Call)
    : OpCase(Op, Name, Tolerance, Tensors);
