using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// DDIM (Song et al. 2021, eq. 12): x̂_0 and the ε it implies are mixed anew for the next noise level, with σ = η·√β̃ of that noise drawn fresh.
/// η = 0 is deterministic; η = 1 has the variance of ancestral sampling with β̃.
/// </summary>
public static class DdimSampler
{
    /// <summary>The plan over evenly spread timesteps.</summary>
    /// <param name="process">What the network was trained on.</param>
    /// <param name="steps">S, within 1..T.</param>
    /// <param name="eta">η, within 0..1.</param>
    /// <param name="clip">The bound of |x̂_0|; +∞ for none.</param>
    /// <param name="spacing">Which S timesteps. Trailing starts where there is nothing but noise, as sampling does, also with few steps.</param>
    /// <exception cref="ConfigurationException">Steps, η or clip out of range, or a timestep the prediction cannot be sampled from.</exception>
    public static SamplerPlan Plan(
        DiffusionProcess process, int steps, double eta = 0, double clip = 1, TimestepSpacing spacing = TimestepSpacing.Trailing) =>
        Plan(process, Timesteps.Select(process.Schedule.Steps, steps, spacing), eta, clip);

    /// <summary>The plan over given timesteps.</summary>
    /// <param name="process">What the network was trained on.</param>
    /// <param name="timesteps">The timesteps to visit, falling.</param>
    /// <param name="eta">η, within 0..1.</param>
    /// <param name="clip">The bound of |x̂_0|; +∞ for none.</param>
    /// <param name="stopAtFirst">Whether the last step stops at the noise level of timestep 0 instead of going to the data.</param>
    /// <exception cref="ConfigurationException">η or clip out of range, or a timestep the prediction cannot be sampled from.</exception>
    /// <exception cref="ArgumentException">Timesteps that do not fall, or out of range.</exception>
    public static SamplerPlan Plan(DiffusionProcess process, ReadOnlySpan<int> timesteps, double eta = 0, double clip = 1, bool stopAtFirst = false)
    {
        if (!(eta >= 0 && eta <= 1))
        {
            throw new ConfigurationException($"DDIM's η is {eta}; expected 0 (deterministic) to 1 (as noisy as ancestral sampling).");
        }
        return SamplerPlan.Over(process, timesteps, clip, (_, level, next) =>
        {
            var posterior = Posterior.Between(level, next);
            // √(σ_next²−η²·β̃): as a sum of what η leaves and what the posterior keeps, it cannot cancel to below zero.
            double kept = 1 - eta * eta + eta * eta * next.NoiseVariance * level.SignalVariance / (next.SignalVariance * level.NoiseVariance);
            double keptNoise = Math.Sqrt(next.NoiseVariance * kept);
            double u = keptNoise / level.Sigma; // ε = (x − α·x̂_0)/σ
            return (u, next.Alpha - u * level.Alpha, 0, eta * Math.Sqrt(posterior.Variance));
        }, stopAtFirst ? 0 : -1);
    }
}
