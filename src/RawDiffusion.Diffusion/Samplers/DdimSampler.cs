using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// DDIM (Song et al. 2021, eq. 12): x̂_0 and the ε it implies are mixed anew for the next noise level, with σ = η·√β̃ of that noise drawn
/// fresh. η = 0 is deterministic, and Euler's method for the probability-flow ODE, in σ/α: first order; S evaluations. η = 1 has the
/// variance of ancestral sampling with β̃. The usual spacing is trailing: it starts where there is nothing but noise, as sampling does, also
/// with few steps.
/// </summary>
public sealed record DdimSampler() : SpacedSampler(TimestepSpacing.Trailing)
{
    /// <summary>η, within 0..1.</summary>
    public double Eta { get; init; }

    /// <inheritdoc/>
    /// <exception cref="ConfigurationException">Steps, η or clip out of range, or a timestep that the prediction cannot be sampled from.</exception>
    public override StepTable Plan(DiffusionProcess process) => Eta is >= 0 and <= 1
        ? base.Plan(process)
        : throw new ConfigurationException($"DDIM's η is {Eta}; expected 0 (deterministic) to 1 (as noisy as ancestral sampling).");

    /// <inheritdoc/>
    protected override StepRow Between(NoiseLevel? before, NoiseLevel level, NoiseLevel next) => Between(level, next, Eta);

    /// <summary>The step between any two levels.</summary>
    /// <param name="level">The level of x.</param>
    /// <param name="next">The level of the next x.</param>
    /// <param name="eta">η, within 0..1.</param>
    public static StepRow Between(NoiseLevel level, NoiseLevel next, double eta = 0)
    {
        var posterior = Posterior.Between(level, next);
        // √(σ_next²−η²·β̃): as a sum of what η leaves and what the posterior keeps, it cannot cancel to below zero.
        double kept = 1 - eta * eta + eta * eta * next.NoiseVariance * level.SignalVariance / (next.SignalVariance * level.NoiseVariance);
        double keptNoise = Math.Sqrt(next.NoiseVariance * kept);
        double u = keptNoise / level.Sigma; // ε = (x − α·x̂_0)/σ
        return new StepRow { U = u, V = next.Alpha - u * level.Alpha, S = eta * Math.Sqrt(posterior.Variance) };
    }
}
