using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): the probability-flow ODE in the variable λ = ½·ln SNR, with x̂_0 extrapolated from this step
/// and the one before. Deterministic. The first step has no step before it, and the last goes to λ = ∞: both are first order.
/// </summary>
public static class DpmSolverSampler
{
    /// <summary>The plan over evenly spread timesteps.</summary>
    /// <param name="process">What the network was trained on.</param>
    /// <param name="steps">S, within 1..T.</param>
    /// <param name="clip">The bound of |x̂_0|; +∞ for none.</param>
    /// <param name="spacing">Which S timesteps, none of them 0: see <see cref="Timesteps.SelectAboveZero"/>.</param>
    /// <exception cref="ConfigurationException">Steps or clip out of range, or a timestep the prediction cannot be sampled from.</exception>
    public static SamplerPlan Plan(
        DiffusionProcess process, int steps, double clip = 1, TimestepSpacing spacing = TimestepSpacing.Linspace) =>
        Plan(process, Timesteps.SelectAboveZero(process.Schedule.Steps, steps, spacing), clip);

    /// <summary>The plan over given timesteps.</summary>
    /// <param name="process">What the network was trained on.</param>
    /// <param name="timesteps">The timesteps to visit, falling.</param>
    /// <param name="clip">The bound of |x̂_0|; +∞ for none.</param>
    /// <exception cref="ConfigurationException">Clip out of range, or a timestep the prediction cannot be sampled from.</exception>
    /// <exception cref="ArgumentException">Timesteps that do not fall, or out of range.</exception>
    public static SamplerPlan Plan(DiffusionProcess process, ReadOnlySpan<int> timesteps, double clip = 1) =>
        SamplerPlan.Over(process, timesteps, clip, (before, level, next) =>
        {
            double step = next.HalfLogSignalToNoise - level.HalfLogSignalToNoise;
            double u = Math.Sqrt(next.NoiseVariance / level.NoiseVariance);
            double gain = -next.Alpha * (Math.Exp(-step) - 1);
            double extrapolation = before is not { } last || next.NoiseVariance == 0 ? 0 : step / (2 * (level.HalfLogSignalToNoise - last.HalfLogSignalToNoise));
            return (u, gain * (1 + extrapolation), -gain * extrapolation, 0);
        });
}
