using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// A sampler that visits S of the process's timesteps once each, falling, and goes from the last to the data itself, or stops just before it: one evaluation of the
/// network a step, S in all.
/// </summary>
/// <param name="Spacing">Which S timesteps.</param>
public abstract record SpacedSampler(TimestepSpacing Spacing) : Sampler
{
    /// <summary>S, within 1..T.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>Added to every timestep of leading spacing.</summary>
    public int StepsOffset { get; init; }

    /// <summary>Whether the last step stops at the noise level of timestep 0 instead of going to the data.</summary>
    public bool StopAtFirst { get; init; }

    /// <summary>The timesteps to visit, falling, instead of <see cref="Steps"/> of them by their spacing.</summary>
    public IReadOnlyList<int>? Timesteps { get; init; }

    /// <summary>The bound of |x̂_0|; +∞ for none.</summary>
    public double Clip { get; init; } = 1;

    /// <summary>The steps over a process.</summary>
    /// <param name="process">What the network was trained on.</param>
    /// <exception cref="ConfigurationException">An option out of range, or a timestep that the prediction cannot be sampled from.</exception>
    /// <exception cref="ArgumentException">Given timesteps that do not fall, or out of range.</exception>
    public override StepTable Plan(DiffusionProcess process)
    {
        if (!(Clip > 0))
        {
            throw new ConfigurationException($"x̂0 should be clipped to ±{Clip}; expected a number above 0, infinity for no clipping.");
        }
        var timesteps = Timesteps ?? Choose(process.Schedule.Steps);
        var rows = new StepRow[timesteps.Count];
        int before = process.Schedule.Steps;
        NoiseLevel? beforeLevel = null;
        for (int i = 0; i < rows.Length; i++)
        {
            int t = timesteps[i];
            if (t < 0 || t >= before)
            {
                throw new ArgumentException($"timestep {t} at place {i} should be below {before} and not below 0");
            }
            NoiseLevel level = process.Schedule.Level(t), next = process.Schedule.Level(i + 1 < rows.Length ? timesteps[i + 1] : StopAtFirst ? 0 : -1);
            var (p, q) = process.X0(t);
            rows[i] = Between(beforeLevel, level, next) with { Timestep = t, P = p, Q = q, Clip = Clip };
            (before, beforeLevel) = (t, level);
        }
        return new StepTable(rows) { StartScale = Math.Sqrt(rows.Length > 0 ? process.Schedule.Level(timesteps[0]).Variance : 1) };
    }

    /// <summary>The update from one noise level to the next: U, V, W and S of a row.</summary>
    /// <param name="before">The level of the step before; null in the first step.</param>
    /// <param name="level">The level of x.</param>
    /// <param name="next">The level of the next x; the data in the last step.</param>
    protected abstract StepRow Between(NoiseLevel? before, NoiseLevel level, NoiseLevel next);

    /// <summary>S timesteps by their spacing.</summary>
    /// <param name="scheduleSteps">T.</param>
    protected virtual int[] Choose(int scheduleSteps) => Diffusion.Timesteps.Select(scheduleSteps, Steps, Spacing, StepsOffset);
}
