namespace RawDiffusion.Diffusion;

/// <summary>
/// How much signal and how much noise x = α·x_0 + σ·ε holds. A variance-preserving process keeps α² + σ² = 1, a variance-exploding one α = 1,
/// and a flow α + σ = 1; to samplers they are all pairs. The squares are what is stored: they are exact where schedules are made of variances.
/// </summary>
/// <param name="SignalVariance">α²: ᾱ of a variance-preserving process.</param>
/// <param name="NoiseVariance">σ²: 1 − ᾱ of a variance-preserving process.</param>
public readonly record struct NoiseLevel(double SignalVariance, double NoiseVariance)
{
    /// <summary>The data: all signal, no noise.</summary>
    public static NoiseLevel Data => new(1, 0);

    /// <summary>A level of a variance-preserving process.</summary>
    /// <param name="alphaBar">ᾱ, within 0..1.</param>
    public static NoiseLevel VariancePreserving(double alphaBar) => new(alphaBar, 1 - alphaBar);

    /// <summary>A level by its two factors.</summary>
    /// <param name="alpha">α, at least 0.</param>
    /// <param name="sigma">σ, at least 0.</param>
    public static NoiseLevel Of(double alpha, double sigma) => new(alpha * alpha, sigma * sigma);

    /// <summary>α: the factor of x_0.</summary>
    public double Alpha => Math.Sqrt(SignalVariance);

    /// <summary>σ: the factor of ε.</summary>
    public double Sigma => Math.Sqrt(NoiseVariance);

    /// <summary>α² + σ²: the variance of x where the data's is 1.</summary>
    public double Variance => SignalVariance + NoiseVariance;

    /// <summary>α²/σ²; +∞ for the data.</summary>
    public double SignalToNoise => SignalVariance / NoiseVariance;

    /// <summary>λ = ½·ln SNR, the time of the DPM solvers; +∞ for the data, −∞ where no signal is left.</summary>
    public double HalfLogSignalToNoise => 0.5 * Math.Log(SignalToNoise);
}
