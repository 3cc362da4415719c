namespace RawDiffusion.Diffusion;

/// <summary>
/// The forward process of Ho et al. 2020: q(x_t | x_{t−1}) = N(√(1−β_t)·x_{t−1}, β_t), hence q(x_t | x_0) = N(√ᾱ_t·x_0, 1−ᾱ_t) with
/// ᾱ_t = ∏_{s≤t} (1−β_s). Timesteps count from 0 (almost clean) to <see cref="Steps"/> − 1 (almost noise); what comes before timestep 0
/// is the data, ᾱ = 1. All of it is double precision.
/// </summary>
public sealed partial class NoiseSchedule
{
    private readonly double[] _betas;
    private readonly double[] _alphaBars;

    private NoiseSchedule(double[] betas, double[] alphaBars) => (_betas, _alphaBars) = (betas, alphaBars);

    /// <summary>T: the number of timesteps.</summary>
    public int Steps => _betas.Length;

    /// <summary>β_0 … β_{T−1}.</summary>
    public ReadOnlySpan<double> Betas => _betas;

    /// <summary>ᾱ_0 … ᾱ_{T−1}: the share of the data's variance left in x_t.</summary>
    public ReadOnlySpan<double> AlphaBars => _alphaBars;

    /// <summary>β_t: the variance of the noise that step t adds.</summary>
    public double Beta(int t) => _betas[t];

    /// <summary>ᾱ_t; 1 for t = −1, the data.</summary>
    public double AlphaBar(int t) => t == -1 ? 1 : _alphaBars[t];

    /// <summary>The signal-to-noise ratio ᾱ_t / (1−ᾱ_t).</summary>
    public double SignalToNoise(int t) => AlphaBar(t) / (1 - AlphaBar(t));

    /// <summary>λ_t = ½·ln(ᾱ_t / (1−ᾱ_t)), the time of the DPM solvers; +∞ for the data, −∞ where no signal is left.</summary>
    public double HalfLogSignalToNoise(int t) => 0.5 * Math.Log(SignalToNoise(t));

    /// <summary>The weight of x_0 in the mean of q(x_{t−1} | x_t, x_0): √ᾱ_{t−1}·β_t / (1−ᾱ_t) (Ho et al. 2020, eq. 7).</summary>
    public double PosteriorX0Coefficient(int t) => Posterior.Between(AlphaBar(t), AlphaBar(t - 1)).X0Coefficient;

    /// <summary>The weight of x_t in the mean of q(x_{t−1} | x_t, x_0): √(1−β_t)·(1−ᾱ_{t−1}) / (1−ᾱ_t) (Ho et al. 2020, eq. 7).</summary>
    public double PosteriorXtCoefficient(int t) => Posterior.Between(AlphaBar(t), AlphaBar(t - 1)).XtCoefficient;

    /// <summary>β̃_t, the variance of q(x_{t−1} | x_t, x_0): β_t·(1−ᾱ_{t−1}) / (1−ᾱ_t) (Ho et al. 2020, eq. 7); 0 for t = 0.</summary>
    public double PosteriorVariance(int t) => Posterior.Between(AlphaBar(t), AlphaBar(t - 1)).Variance;

    /// <summary>
    /// ln β̃_t, with timestep 0, where it would be −∞, taking over timestep 1's (Nichol and Dhariwal 2021). A schedule of a single timestep
    /// has nothing to take over: ln β_0.
    /// </summary>
    public double PosteriorLogVariance(int t) => Math.Log(Steps == 1 ? _betas[0] : PosteriorVariance(Math.Max(t, 1)));
}
