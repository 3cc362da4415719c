using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// Ancestral sampling (Ho et al. 2020, algorithm 2): each step draws from q(x_{t−1} | x_t, x_0 = x̂_0), with the variance fixed to β̃ or β.
/// With fewer steps than timesteps, β and β̃ are those of the respaced process (Nichol and Dhariwal 2021, section 4). The last step adds no noise.
/// </summary>
public static class AncestralSampler
{
    /// <summary>The plan over evenly spread timesteps.</summary>
    /// <param name="process">What the network was trained on.</param>
    /// <param name="steps">S, within 1..T.</param>
    /// <param name="variance">The variance of the reverse process.</param>
    /// <param name="clip">The bound of |x̂_0|; +∞ for none.</param>
    /// <param name="spacing">Which S timesteps. Linspace, as in improved-diffusion, takes the last step from timestep 0, where almost no noise is left to be averaged away.</param>
    /// <exception cref="ConfigurationException">Steps or clip out of range, or a timestep the prediction cannot be sampled from.</exception>
    public static SamplerPlan Plan(
        DiffusionProcess process, int steps, ReverseVariance variance = ReverseVariance.FixedLarge, double clip = 1,
        TimestepSpacing spacing = TimestepSpacing.Linspace) =>
        Plan(process, Timesteps.Select(process.Schedule.Steps, steps, spacing), variance, clip);

    /// <summary>The plan over given timesteps.</summary>
    /// <param name="process">What the network was trained on.</param>
    /// <param name="timesteps">The timesteps to visit, falling.</param>
    /// <param name="variance">The variance of the reverse process.</param>
    /// <param name="clip">The bound of |x̂_0|; +∞ for none.</param>
    /// <exception cref="ConfigurationException">Clip out of range, or a timestep the prediction cannot be sampled from.</exception>
    /// <exception cref="ArgumentException">Timesteps that do not fall, or out of range.</exception>
    public static SamplerPlan Plan(
        DiffusionProcess process, ReadOnlySpan<int> timesteps, ReverseVariance variance = ReverseVariance.FixedLarge, double clip = 1) =>
        SamplerPlan.Over(process, timesteps, clip, (_, level, next) =>
        {
            var posterior = Posterior.Between(level, next);
            double noiseVariance = next.NoiseVariance == 0 ? 0 : variance == ReverseVariance.FixedSmall ? posterior.Variance : posterior.Beta;
            return (posterior.XtCoefficient, posterior.X0Coefficient, 0, Math.Sqrt(noiseVariance));
        });
}
