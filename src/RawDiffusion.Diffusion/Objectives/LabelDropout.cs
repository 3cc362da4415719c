using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>Replaces labels by "no class" now and then while training, so that one network learns both models of classifier-free guidance (Ho and Salimans 2022).</summary>
public static class LabelDropout
{
    /// <summary>Drops each label with probability <paramref name="rate"/>, drawn from (seed, step, place in the whole batch).</summary>
    /// <param name="labels">The batch's labels, changed in place.</param>
    /// <param name="noClass">The label of "no class": the last class embedding.</param>
    /// <param name="rate">In [0, 1].</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="step">The training step.</param>
    /// <param name="firstSample">The place of the first of these samples in the whole batch.</param>
    public static void Apply(Span<int> labels, int noClass, double rate, ulong seed, long step, int firstSample = 0)
    {
        for (int i = 0; i < labels.Length; i++)
        {
            var bits = Philox.Block(new UInt4(0, (uint)(firstSample + i), checked((uint)step), (uint)RandomPurpose.LabelDropout), seed);
            if (Philox.Uniform(bits.X) < rate)
            {
                labels[i] = noClass;
            }
        }
    }
}
