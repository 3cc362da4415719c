namespace RawDiffusion.Diffusion;

/// <summary>
/// Ancestral sampling (Ho et al. 2020, algorithm 2): each step draws from q(x_{t−1} | x_t, x_0 = x̂_0), with the variance fixed to β̃ or β.
/// With fewer steps than timesteps, β and β̃ are those of the respaced process (Nichol and Dhariwal 2021, section 4). The last step adds no
/// noise. Stochastic; first order; S evaluations. The usual spacing is linspace, as in improved-diffusion: it takes the last step from
/// timestep 0, where almost no noise is left to be averaged away.
/// </summary>
public sealed record AncestralSampler() : SpacedSampler(TimestepSpacing.Linspace)
{
    /// <summary>The variance of the reverse process.</summary>
    public ReverseVariance Variance { get; init; } = ReverseVariance.FixedLarge;

    /// <inheritdoc/>
    protected override StepRow Between(NoiseLevel? before, NoiseLevel level, NoiseLevel next)
    {
        var posterior = Posterior.Between(level, next);
        double noiseVariance = next.NoiseVariance == 0 ? 0 : Variance == ReverseVariance.FixedSmall ? posterior.Variance : posterior.Beta;
        return new StepRow { U = posterior.XtCoefficient, V = posterior.X0Coefficient, S = Math.Sqrt(noiseVariance) };
    }
}
