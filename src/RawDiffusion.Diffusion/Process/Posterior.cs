namespace RawDiffusion.Diffusion;

/// <summary>
/// q(x_s | x_t, x_0) for a point s of the process before t, neighbours or not: a normal distribution with mean
/// <see cref="X0Coefficient"/>·x_0 + <see cref="XtCoefficient"/>·x_t and variance <see cref="Variance"/> (Ho et al. 2020, eq. 6 and 7; Kingma
/// et al. 2021, appendix A, for any α and σ).
/// </summary>
/// <param name="X0Coefficient">α_s·β / σ_t²: √ᾱ_s·β / (1−ᾱ_t) where variance is preserved.</param>
/// <param name="XtCoefficient">(α_t/α_s)·σ_s² / σ_t²: √(1−β)·(1−ᾱ_s) / (1−ᾱ_t).</param>
/// <param name="Variance">β̃ = β·σ_s² / σ_t².</param>
/// <param name="Beta">β = σ_t² − (α_t/α_s)²·σ_s², the variance of the noise between s and t: 1 − ᾱ_t/ᾱ_s.</param>
public readonly record struct Posterior(double X0Coefficient, double XtCoefficient, double Variance, double Beta)
{
    /// <summary>The posterior between two points of the forward process.</summary>
    /// <param name="level">That of x_t, with some noise.</param>
    /// <param name="previous">That of x_s, with a higher ratio of signal to noise; <see cref="NoiseLevel.Data"/> for the data itself, where all that is left is x_0.</param>
    public static Posterior Between(NoiseLevel level, NoiseLevel previous)
    {
        double ratio = level.SignalVariance / previous.SignalVariance;
        // The same as σ_t² − ratio·σ_s², but where variance is preserved both sums are 1 and nothing is lost to cancellation.
        double beta = level.Variance - ratio * previous.Variance;
        return new Posterior(
            previous.Alpha * beta / level.NoiseVariance,
            Math.Sqrt(ratio) * previous.NoiseVariance / level.NoiseVariance,
            beta * previous.NoiseVariance / level.NoiseVariance,
            beta);
    }
}
