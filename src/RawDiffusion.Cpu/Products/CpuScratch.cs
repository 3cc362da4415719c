using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

/// <summary>What an op needs of the CPU device's own memory, said without doing it.</summary>
/// <param name="rehearsal">Takes it.</param>
/// <param name="threads">How many workers there are.</param>
internal sealed class CpuScratch(Rehearsal rehearsal, int threads)
{
    /// <summary>Scratch that every worker may need.</summary>
    public void EachWorker(long bytes)
    {
        for (int worker = 0; worker < threads; worker++)
        {
            rehearsal.Hold(new CpuScratchPlace(worker), bytes);
        }
    }

    /// <summary>Scratch that the workers share.</summary>
    public void Shared(long bytes, int slot = 0) => rehearsal.Hold(new CpuScratchPlace(threads + slot), bytes);

    /// <summary>Weights in the kernels' order.</summary>
    public void Packed(in ConvGeometry geometry, nint weights, bool backward) =>
        rehearsal.Hold(new PackedCopy(weights, backward), PackedWeights.Size(geometry, backward) * sizeof(float));
}
