using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

/// <summary>By what packed weights are kept: as long as the memory that they were packed from lives and its content stands.</summary>
/// <param name="Memory">Where the memory that holds the weights, maybe with others, begins.</param>
/// <param name="Version">A number, other than 0, that changes whenever the weights do.</param>
public readonly record struct WeightsIdentity(nint Memory, long Version)
{
    /// <summary>Of weights that nothing is known of: they are packed at every call.</summary>
    public static WeightsIdentity Unknown => default;

    /// <summary>Of a tensor's content.</summary>
    public static WeightsIdentity Of(Tensor weights) => new(weights.MemoryAddress, weights.Version);
}
