namespace RawDiffusion.Diffusion;

/// <summary>
/// The forward process as the noise level of each timestep: q(x_t | x_0) = N(α_t·x_0, σ_t²). Ho et al. 2020 have α_t² = ᾱ_t = ∏_{s≤t} (1−β_s)
/// and σ_t² = 1−ᾱ_t. Timesteps count from 0 (almost clean) to <see cref="Steps"/> − 1 (almost noise); what comes before timestep 0 is the
/// data. All of it is double precision.
/// </summary>
public sealed partial class NoiseSchedule
{
    private readonly double[] _betas;
    private readonly NoiseLevel[] _levels;

    private NoiseSchedule(double[] betas, NoiseLevel[] levels) => (_betas, _levels) = (betas, levels);

    /// <summary>T: the number of timesteps.</summary>
    public int Steps => _levels.Length;

    /// <summary>β_0 … β_{T−1}: see <see cref="Beta"/>.</summary>
    public ReadOnlySpan<double> Betas => _betas;

    /// <summary>The noise levels of the timesteps.</summary>
    public ReadOnlySpan<NoiseLevel> Levels => _levels;

    /// <summary>The noise level of a timestep; the data for t = −1.</summary>
    public NoiseLevel Level(int t) => t == -1 ? NoiseLevel.Data : _levels[t];

    /// <summary>β_t = σ_t² − (α_t/α_{t−1})²·σ_{t−1}²: the variance of the noise that step t adds.</summary>
    public double Beta(int t) => _betas[t];

    /// <summary>ᾱ_t = α_t², the share of the data's variance left in x_t; 1 for t = −1, the data.</summary>
    public double AlphaBar(int t) => Level(t).SignalVariance;

    /// <summary>The signal-to-noise ratio α_t²/σ_t².</summary>
    public double SignalToNoise(int t) => Level(t).SignalToNoise;

    /// <summary>q(x_{t−1} | x_t, x_0) (Ho et al. 2020, eq. 7).</summary>
    public Posterior Posterior(int t) => Diffusion.Posterior.Between(Level(t), Level(t - 1));

    /// <summary>
    /// ln β̃_t, with timestep 0, where it would be −∞, taking over timestep 1's (Nichol and Dhariwal 2021). A schedule of a single timestep
    /// has nothing to take over: ln β_0.
    /// </summary>
    public double PosteriorLogVariance(int t) => Math.Log(Steps == 1 ? _betas[0] : Posterior(Math.Max(t, 1)).Variance);
}
