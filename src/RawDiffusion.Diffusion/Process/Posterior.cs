namespace RawDiffusion.Diffusion;

/// <summary>
/// q(x_s | x_t, x_0) for a timestep s before t, neighbours or not: a normal distribution with mean
/// <see cref="X0Coefficient"/>·x_0 + <see cref="XtCoefficient"/>·x_t and variance <see cref="Variance"/> (Ho et al. 2020, eq. 6 and 7).
/// </summary>
/// <param name="X0Coefficient">√ᾱ_s·β / (1−ᾱ_t).</param>
/// <param name="XtCoefficient">√(1−β)·(1−ᾱ_s) / (1−ᾱ_t).</param>
/// <param name="Variance">β̃ = β·(1−ᾱ_s) / (1−ᾱ_t).</param>
/// <param name="Beta">β = 1 − ᾱ_t/ᾱ_s: the variance of the noise between s and t.</param>
public readonly record struct Posterior(double X0Coefficient, double XtCoefficient, double Variance, double Beta)
{
    /// <summary>The posterior between two points of the forward process.</summary>
    /// <param name="alphaBar">ᾱ_t, below 1.</param>
    /// <param name="previousAlphaBar">ᾱ_s, above ᾱ_t; 1 for the data itself, where all that is left is x_0.</param>
    public static Posterior Between(double alphaBar, double previousAlphaBar)
    {
        double alpha = alphaBar / previousAlphaBar, beta = 1 - alpha;
        double noise = 1 - alphaBar, previousNoise = 1 - previousAlphaBar;
        return new Posterior(
            Math.Sqrt(previousAlphaBar) * beta / noise,
            Math.Sqrt(alpha) * previousNoise / noise,
            beta * previousNoise / noise,
            beta);
    }
}
