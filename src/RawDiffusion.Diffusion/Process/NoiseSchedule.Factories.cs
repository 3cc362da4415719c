using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

public sealed partial class NoiseSchedule
{
    /// <summary>β rises linearly from <paramref name="first"/> to <paramref name="last"/> (Ho et al. 2020).</summary>
    /// <param name="steps">T.</param>
    /// <param name="first">β_0.</param>
    /// <param name="last">β_{T−1}.</param>
    /// <exception cref="ConfigurationException">No timestep, or a β outside of (0, 1).</exception>
    public static NoiseSchedule Linear(int steps = 1000, double first = 1e-4, double last = 0.02) =>
        Generate(steps, t => Interpolate(first, last, t, steps));

    /// <summary>√β rises linearly: the schedule that latent diffusion calls linear (Rombach et al. 2022).</summary>
    /// <inheritdoc cref="Linear"/>
    public static NoiseSchedule ScaledLinear(int steps = 1000, double first = 1e-4, double last = 0.02) =>
        Generate(steps, t => Square(Interpolate(Math.Sqrt(first), Math.Sqrt(last), t, steps)));

    /// <summary>β rises from <paramref name="first"/> to <paramref name="last"/> along the logistic function between −6 and 6 (Xu et al. 2022, GeoDiff).</summary>
    /// <inheritdoc cref="Linear"/>
    public static NoiseSchedule Sigmoid(int steps = 1000, double first = 1e-4, double last = 0.02) =>
        Generate(steps, t => first + (last - first) / (1 + Math.Exp(-Interpolate(-6, 6, t, steps))));

    /// <summary>
    /// ᾱ falls as f(u)/f(0) with f(u) = cos²(π/2·(u+s)/(1+s)) over u = t/T (Nichol and Dhariwal 2021, eq. 17). The last steps would destroy
    /// everything at once, so β is capped.
    /// </summary>
    /// <param name="steps">T.</param>
    /// <param name="offset">s, which keeps β_0 from vanishing.</param>
    /// <param name="largest">The cap of β.</param>
    /// <exception cref="ConfigurationException">No timestep, or a β outside of (0, 1).</exception>
    public static NoiseSchedule Cosine(int steps = 1000, double offset = 0.008, double largest = 0.999)
    {
        double f(double u) => Square(Math.Cos((u + offset) / (1 + offset) * (Math.PI / 2)));
        return Generate(steps, t => Math.Min(1 - f((t + 1.0) / steps) / f((double)t / steps), largest));
    }

    /// <summary>A schedule of given β.</summary>
    /// <param name="betas">β_0 … β_{T−1}, in (0, 1); the last may be 1, which leaves no signal at all.</param>
    /// <exception cref="ConfigurationException">No β, or one out of range.</exception>
    public static NoiseSchedule FromBetas(ReadOnlySpan<double> betas)
    {
        if (betas.IsEmpty)
        {
            throw new ConfigurationException("A noise schedule has 0 timesteps; it needs at least 1.");
        }
        var levels = new NoiseLevel[betas.Length];
        double product = 1;
        for (int t = 0; t < betas.Length; t++)
        {
            // Above 0 in the sense that it shows in 1 − β.
            if (!(1 - betas[t] < 1 && (betas[t] < 1 || (betas[t] == 1 && t == betas.Length - 1))))
            {
                throw new ConfigurationException(
                    $"The noise schedule has β = {betas[t]} at timestep {t}; expected numbers above 0 and below 1 (the last may be 1). Check the first and the last β.");
            }
            product *= 1 - betas[t];
            levels[t] = NoiseLevel.VariancePreserving(product);
        }
        return new NoiseSchedule(betas.ToArray(), levels);
    }

    /// <summary>The schedule of a formula.</summary>
    /// <param name="formula">Which.</param>
    /// <param name="steps">T.</param>
    /// <param name="first">β_0; the cosine schedule has no use for it.</param>
    /// <param name="last">β_{T−1}; the cosine schedule has no use for it.</param>
    /// <exception cref="ConfigurationException">No timestep, or a β out of range.</exception>
    public static NoiseSchedule Of(BetaSchedule formula, int steps = 1000, double first = 1e-4, double last = 0.02) => formula switch
    {
        BetaSchedule.Linear => Linear(steps, first, last),
        BetaSchedule.ScaledLinear => ScaledLinear(steps, first, last),
        BetaSchedule.Cosine => Cosine(steps),
        BetaSchedule.Sigmoid => Sigmoid(steps, first, last),
        _ => throw new ArgumentOutOfRangeException(nameof(formula), formula, "unknown beta schedule"),
    };

    /// <summary>A schedule of any process: variance-preserving, variance-exploding or a flow.</summary>
    /// <param name="levels">The timesteps' noise levels, each with a lower ratio of signal to noise than the one before; the last may hold no signal at all.</param>
    /// <exception cref="ConfigurationException">No level, one that is no pair of numbers, or a ratio that does not fall.</exception>
    public static NoiseSchedule FromLevels(ReadOnlySpan<NoiseLevel> levels)
    {
        if (levels.IsEmpty)
        {
            throw new ConfigurationException("A noise schedule has 0 timesteps; it needs at least 1.");
        }
        double before = double.PositiveInfinity;
        for (int t = 0; t < levels.Length; t++)
        {
            double ratio = levels[t].SignalToNoise;
            if (!(levels[t].SignalVariance >= 0 && levels[t].NoiseVariance > 0 && double.IsFinite(levels[t].Variance) && ratio < before))
            {
                throw new ConfigurationException(
                    $"The noise schedule has α = {levels[t].Alpha} and σ = {levels[t].Sigma} at timestep {t}; expected α of at least 0, σ above 0, and a ratio below " +
                    "that of the timestep before.");
            }
            before = ratio;
        }
        return WithBetas(levels.ToArray());
    }

    /// <summary>
    /// This schedule with √ᾱ shifted and scaled so that the last timestep keeps no signal at all and the first stays as it is
    /// (Lin et al. 2024, algorithm 1). The last timestep then says nothing about x_0 by ε: predict v or x0.
    /// </summary>
    /// <exception cref="ConfigurationException">The schedule has a single timestep, which cannot be both.</exception>
    public NoiseSchedule RescaleZeroTerminalSnr()
    {
        if (Steps == 1)
        {
            throw new ConfigurationException("A noise schedule of 1 timestep cannot be rescaled to zero terminal SNR: its only timestep would hold no signal. Use at " +
                "least 2 timesteps.");
        }
        double first = _levels[0].Alpha, last = _levels[^1].Alpha;
        return WithBetas(Array.ConvertAll(_levels, level => NoiseLevel.VariancePreserving(Square((level.Alpha - last) * (first / (first - last))))));
    }

    /// <summary>
    /// The forward process seen at some of its timesteps only: timestep i of the result has the noise level of timestep <paramref name="timesteps"/>[i]
    /// here, so β_i = 1 − ᾱ_i/ᾱ_{i−1} where variance is preserved (Nichol and Dhariwal 2021, section 4). The network still wants to hear the original timestep.
    /// </summary>
    /// <param name="timesteps">Rising, within 0..T−1.</param>
    /// <exception cref="ArgumentException">None, not rising, or out of range.</exception>
    public NoiseSchedule Respace(ReadOnlySpan<int> timesteps)
    {
        if (timesteps.IsEmpty)
        {
            throw new ArgumentException("a noise schedule needs at least one timestep");
        }
        var levels = new NoiseLevel[timesteps.Length];
        int previous = -1;
        for (int i = 0; i < levels.Length; i++)
        {
            int t = timesteps[i];
            if (t <= previous || t >= Steps)
            {
                throw new ArgumentException($"timestep {t} at place {i} should be above {previous}, the one before, and below {Steps}");
            }
            levels[i] = _levels[t];
            previous = t;
        }
        return WithBetas(levels);
    }

    /// <summary>The levels are what counts; far out in the noise they would not survive being multiplied together again from rounded β.</summary>
    private static NoiseSchedule WithBetas(NoiseLevel[] levels)
    {
        double[] betas = new double[levels.Length];
        for (int t = 0; t < betas.Length; t++)
        {
            betas[t] = Diffusion.Posterior.Between(levels[t], t == 0 ? NoiseLevel.Data : levels[t - 1]).Beta;
        }
        return new NoiseSchedule(betas, levels);
    }

    private static NoiseSchedule Generate(int steps, Func<int, double> beta)
    {
        if (steps < 1)
        {
            throw new ConfigurationException($"A noise schedule has {steps} timesteps; it needs at least 1.");
        }
        double[] betas = new double[steps];
        for (int t = 0; t < steps; t++)
        {
            betas[t] = beta(t);
        }
        return FromBetas(betas);
    }

    private static double Interpolate(double first, double last, int t, int steps) => steps == 1 ? first : first + (last - first) * t / (steps - 1);

    private static double Square(double x) => x * x;
}
