namespace RawDiffusion.Diffusion;

/// <summary>
/// DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): the probability-flow ODE in the variable λ = ½·ln SNR, with x̂_0 extrapolated from this step
/// and the one before. Deterministic; second order; S evaluations. The first step has no step before it, and the last goes to λ = ∞: both are
/// first order. The usual spacing is linspace, and none of the timesteps is 0: see <see cref="Timesteps.SelectAboveZero"/>.
/// </summary>
public sealed record DpmSolver2MSampler() : SpacedSampler(TimestepSpacing.Linspace)
{
    /// <summary>x̂_0 of the step before.</summary>
    public override int History => 1;

    /// <inheritdoc/>
    public override void Step(SamplingStep s)
    {
        base.Step(s);
        s.Remember(s.X0);
    }

    /// <inheritdoc/>
    protected override StepRow Between(NoiseLevel? before, NoiseLevel level, NoiseLevel next)
    {
        double step = next.HalfLogSignalToNoise - level.HalfLogSignalToNoise;
        double gain = -next.Alpha * (Math.Exp(-step) - 1);
        double extrapolation = before is not { } last || next.NoiseVariance == 0 ? 0 : step / (2 * (level.HalfLogSignalToNoise - last.HalfLogSignalToNoise));
        return new StepRow { U = Math.Sqrt(next.NoiseVariance / level.NoiseVariance), V = gain * (1 + extrapolation), W = [-gain * extrapolation] };
    }

    /// <inheritdoc/>
    protected override int[] Choose(int scheduleSteps) => Diffusion.Timesteps.SelectAboveZero(scheduleSteps, Steps, Spacing, StepsOffset);
}
