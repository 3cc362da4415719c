using RawDiffusion.Core;

namespace RawDiffusion.Cases;

/// <summary>
/// One small configuration of an op, for four uses: every device against the reference, gradients against finite differences, a machine's own device
/// against its processor, and, by what it costs, speed.
/// </summary>
/// <param name="Op">The op's name, as the contract has it.</param>
/// <param name="Name">What is particular about this case.</param>
/// <param name="Tolerance">How far a device may be from the reference.</param>
/// <param name="Tensors">Everything the op reads and writes, but for what a tape makes.</param>
public abstract record OpCase(string Op, string Name, Tolerance Tolerance, IReadOnlyList<CaseTensor> Tensors)
{
    /// <summary>The calls of the contract that the case makes, forward and backward, with what each costs.</summary>
    public IReadOnlyList<OpCall> Calls => field ??= CaseRun.Rehearse(this);

    /// <summary>Multiplications and additions of the products in it; zero where memory alone matters.</summary>
    public long Flops => Calls.Sum(call => call.Flops);

    /// <summary>Bytes that it moves at the least.</summary>
    public long Bytes => Calls.Sum(call => call.Bytes);

    /// <summary>Op and name: unique among all cases.</summary>
    public string FullName => $"{Op}/{Name}";

    /// <inheritdoc/>
    public sealed override string ToString() => FullName;
}
