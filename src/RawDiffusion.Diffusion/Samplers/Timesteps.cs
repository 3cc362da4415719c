using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>Chooses the timesteps that a sampler visits.</summary>
public static class Timesteps
{
    /// <summary>
    /// S different timesteps, falling. Halves are rounded to even, as diffusers does. A single timestep is always T−1: sampling starts from
    /// noise, and it is the timestep of noise.
    /// </summary>
    /// <param name="scheduleSteps">T.</param>
    /// <param name="count">S, within 1..T.</param>
    /// <param name="spacing">Which.</param>
    /// <param name="offset">Added to every timestep of leading spacing (diffusers' <c>steps_offset</c>).</param>
    /// <exception cref="ConfigurationException">S is not within 1..T, or the offset leads beyond T−1.</exception>
    public static int[] Select(int scheduleSteps, int count, TimestepSpacing spacing, int offset = 0)
    {
        if (count < 1 || count > scheduleSteps)
        {
            throw new ConfigurationException($"{count} sampling steps were asked for, but the model's noise schedule has {scheduleSteps} timesteps; use 1 to " +
                $"{scheduleSteps} steps.");
        }
        int last = scheduleSteps - 1;
        int[] timesteps = new int[count];
        for (int i = 0; i < count; i++)
        {
            int fromEnd = count - 1 - i;
            timesteps[i] = count == 1 ? last : spacing switch
            {
                TimestepSpacing.Leading => fromEnd * (scheduleSteps / count) + offset,
                TimestepSpacing.Linspace => RoundedRatio((long)fromEnd * last, count - 1),
                TimestepSpacing.Trailing => RoundedRatio((long)(fromEnd + 1) * scheduleSteps, count) - 1,
                _ => throw new ArgumentOutOfRangeException(nameof(spacing), spacing, "unknown spacing"),
            };
        }
        return timesteps[0] <= last
            ? timesteps
            : throw new ConfigurationException($"{count} leading steps with an offset of {offset} begin at timestep {timesteps[0]}, but the model's noise " +
                $"schedule ends at {last}; use fewer steps.");
    }

    /// <summary>
    /// Like <see cref="Select"/>, but without the timestep 0, as diffusers does for solvers whose last step goes to zero noise anyway:
    /// leading and linspace spread S+1 timesteps and drop the last. Where S = T leaves nothing to drop, all T are used.
    /// </summary>
    /// <inheritdoc cref="Select"/>
    public static int[] SelectAboveZero(int scheduleSteps, int count, TimestepSpacing spacing, int offset = 0) =>
        spacing == TimestepSpacing.Trailing || count == 1 || count >= scheduleSteps
            ? Select(scheduleSteps, count, spacing, offset)
            : Select(scheduleSteps, count + 1, spacing, offset)[..count];

    /// <summary>
    /// Timesteps by sections of the schedule (improved-diffusion's <c>--timestep_respacing</c>): T is cut into as many nearly equal sections
    /// as there are counts, and each count is spread evenly over its section, both ends included. Rising.
    /// </summary>
    /// <param name="scheduleSteps">T.</param>
    /// <param name="counts">How many timesteps to keep in each section, from the clean end.</param>
    /// <exception cref="ConfigurationException">A section has fewer timesteps than are to be kept of it, or none are.</exception>
    public static int[] Sections(int scheduleSteps, params ReadOnlySpan<int> counts)
    {
        var timesteps = new List<int>();
        int start = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            int size = scheduleSteps / counts.Length + (i < scheduleSteps % counts.Length ? 1 : 0);
            if (counts[i] < 1 || counts[i] > size)
            {
                throw new ConfigurationException($"Section {i} of the timesteps has {size}, of which {counts[i]} should be kept; use 1 to {size}.");
            }
            for (int k = 0; k < counts[i]; k++)
            {
                timesteps.Add(start + (counts[i] == 1 ? 0 : RoundedRatio((long)k * (size - 1), counts[i] - 1)));
            }
            start += size;
        }
        return [.. timesteps];
    }

    /// <summary>A ratio rounded to the nearest integer, halves to even: a half is exact in double precision, so no rounding error can tip it.</summary>
    private static int RoundedRatio(long numerator, int denominator) => (int)Math.Round((double)numerator / denominator, MidpointRounding.ToEven);
}
