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
        var alphaBars = new double[betas.Length];
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
            alphaBars[t] = product;
        }
        return new NoiseSchedule(betas.ToArray(), alphaBars);
    }

    /// <summary>The schedule that a hub scheduler's configuration describes.</summary>
    /// <param name="name"><c>beta_schedule</c>: linear, scaled_linear, squaredcos_cap_v2 or sigmoid.</param>
    /// <param name="steps"><c>num_train_timesteps</c>.</param>
    /// <param name="first"><c>beta_start</c>; the cosine schedule has no use for it.</param>
    /// <param name="last"><c>beta_end</c>; the cosine schedule has no use for it.</param>
    /// <param name="trainedBetas"><c>trained_betas</c>, which override everything else if given.</param>
    /// <param name="rescaleZeroTerminalSnr"><c>rescale_betas_zero_snr</c>: see <see cref="RescaleZeroTerminalSnr"/>.</param>
    /// <exception cref="ConfigurationException">An unknown name, or β out of range.</exception>
    public static NoiseSchedule FromHub(
        string name, int steps = 1000, double first = 1e-4, double last = 0.02, double[]? trainedBetas = null, bool rescaleZeroTerminalSnr = false)
    {
        var schedule = trainedBetas is not null ? FromBetas(trainedBetas) : name switch
        {
            "linear" => Linear(steps, first, last),
            "scaled_linear" => ScaledLinear(steps, first, last),
            "squaredcos_cap_v2" => Cosine(steps),
            "sigmoid" => Sigmoid(steps, first, last),
            "trained_betas" => throw new ConfigurationException("The beta schedule is 'trained_betas', but no betas are given with it. Give trained_betas, or name another schedule."),
            _ => throw new ConfigurationException($"The beta schedule is '{name}'; known are linear, scaled_linear, squaredcos_cap_v2, sigmoid, and given trained_betas."),
        };
        return rescaleZeroTerminalSnr ? schedule.RescaleZeroTerminalSnr() : schedule;
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
            throw new ConfigurationException("A noise schedule of 1 timestep cannot be rescaled to zero terminal SNR: its only timestep would hold no signal. Use at least 2 timesteps.");
        }
        double first = Math.Sqrt(_alphaBars[0]), last = Math.Sqrt(_alphaBars[^1]);
        return FromAlphaBars(Array.ConvertAll(_alphaBars, alphaBar => Square((Math.Sqrt(alphaBar) - last) * (first / (first - last)))));
    }

    /// <summary>
    /// The forward process seen at some of its timesteps only: timestep i of the result has the ᾱ of timestep <paramref name="timesteps"/>[i]
    /// here, so β_i = 1 − ᾱ_i/ᾱ_{i−1} (Nichol and Dhariwal 2021, section 4). The network still wants to hear the original timestep.
    /// </summary>
    /// <param name="timesteps">Rising, within 0..T−1.</param>
    /// <exception cref="ArgumentException">None, not rising, or out of range.</exception>
    public NoiseSchedule Respace(ReadOnlySpan<int> timesteps)
    {
        if (timesteps.IsEmpty)
        {
            throw new ArgumentException("a noise schedule needs at least one timestep");
        }
        var alphaBars = new double[timesteps.Length];
        int previous = -1;
        for (int i = 0; i < alphaBars.Length; i++)
        {
            int t = timesteps[i];
            if (t <= previous || t >= Steps)
            {
                throw new ArgumentException($"timestep {t} at place {i} should be above {previous}, the one before, and below {Steps}");
            }
            alphaBars[i] = _alphaBars[t];
            previous = t;
        }
        return FromAlphaBars(alphaBars);
    }

    /// <summary>ᾱ is what counts; far out in the noise it would not survive being multiplied together again from rounded β.</summary>
    private static NoiseSchedule FromAlphaBars(double[] alphaBars)
    {
        var betas = new double[alphaBars.Length];
        for (int t = 0; t < betas.Length; t++)
        {
            betas[t] = 1 - alphaBars[t] / (t == 0 ? 1 : alphaBars[t - 1]);
        }
        return new NoiseSchedule(betas, alphaBars);
    }

    private static NoiseSchedule Generate(int steps, Func<int, double> beta)
    {
        if (steps < 1)
        {
            throw new ConfigurationException($"A noise schedule has {steps} timesteps; it needs at least 1.");
        }
        var betas = new double[steps];
        for (int t = 0; t < steps; t++)
        {
            betas[t] = beta(t);
        }
        return FromBetas(betas);
    }

    private static double Interpolate(double first, double last, int t, int steps) => steps == 1 ? first : first + (last - first) * t / (steps - 1);

    private static double Square(double x) => x * x;
}
