using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// Draws training timesteps. A sample's timestep depends on seed, training step and the sample's place in the whole batch alone, so a
/// batch may be split over micro-batches or devices without changing what is learned.
/// </summary>
public static class TimestepSampler
{
    /// <summary>The draw of a name.</summary>
    public static TimestepDraw Of(TimestepSampling sampling) => sampling == TimestepSampling.Stratified
        ? static (in step, scheduleSteps, timesteps) => Stratified(step.Seed, checked((int)step.Step), step.FirstSample, step.WholeBatch, scheduleSteps, timesteps)
        : static (in step, scheduleSteps, timesteps) => Uniform(step.Seed, checked((int)step.Step), step.FirstSample, scheduleSteps, timesteps);

    /// <summary>Independent timesteps, every one of 0..T−1 exactly as likely.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="step">The training step.</param>
    /// <param name="firstSample">The place of the first of these samples in the whole batch.</param>
    /// <param name="scheduleSteps">T.</param>
    /// <param name="timesteps">Takes one timestep for each sample.</param>
    public static void Uniform(ulong seed, int step, int firstSample, int scheduleSteps, Span<int> timesteps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(scheduleSteps, 1);
        for (int n = 0; n < timesteps.Length; n++)
        {
            timesteps[n] = Draw(seed, (uint)step, (uint)(firstSample + n), (uint)scheduleSteps);
        }
    }

    /// <summary>
    /// Timesteps spread evenly over 0..T−1 from one random offset (Kingma et al. 2021, appendix I.1): each alone is as likely as by
    /// <see cref="Uniform"/>, but a batch covers the range, which lowers the variance of the loss.
    /// </summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="step">The training step.</param>
    /// <param name="firstSample">The place of the first of these samples in the whole batch.</param>
    /// <param name="batch">The size of the whole batch.</param>
    /// <param name="scheduleSteps">T.</param>
    /// <param name="timesteps">Takes one timestep for each sample.</param>
    public static void Stratified(ulong seed, int step, int firstSample, int batch, int scheduleSteps, Span<int> timesteps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(scheduleSteps, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(firstSample);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, firstSample + timesteps.Length);
        var bits = Philox.Block(new UInt4(0, 0, (uint)step, (uint)RandomPurpose.Timestep), seed);
        ulong offset = ((ulong)bits.Y << 32) | bits.X;
        for (int n = 0; n < timesteps.Length; n++)
        {
            // Fractions of the range as 64-bit integers, which wrap around by themselves.
            ulong fraction = offset + (ulong)(((UInt128)(uint)(firstSample + n) << 64) / (uint)batch);
            timesteps[n] = (int)Math.BigMul(fraction, (ulong)scheduleSteps, out _);
        }
    }

    /// <summary>An integer below <paramref name="bound"/> by multiplication, with the few words rejected that would make some likelier (Lemire 2019).</summary>
    private static int Draw(ulong seed, uint step, uint sample, uint bound)
    {
        uint rejected = (0u - bound) % bound;
        for (uint block = 0; ; block++)
        {
            var bits = Philox.Block(new UInt4(block, sample, step, (uint)RandomPurpose.Timestep), seed);
            foreach (uint word in (ReadOnlySpan<uint>)[bits.X, bits.Y, bits.Z, bits.W])
            {
                ulong product = (ulong)word * bound;
                if ((uint)product >= rejected)
                {
                    return (int)(product >> 32);
                }
            }
        }
    }
}
