using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// The variational bound of Ho et al. 2020 (eq. 5), −ln p(x_0) ≤ L_T + Σ_{t≥1} L_{t} + L_0: the numbers behind its terms.
/// <see cref="Device.GaussianBound"/> computes L_t and L_0 from them.
/// </summary>
public static class VariationalBound
{
    /// <summary>ln 2: nats in a bit.</summary>
    public const double NatsPerBit = 0.69314718055994530942;

    /// <summary>A timestep's row of the table of <see cref="Device.GaussianBound"/>.</summary>
    /// <param name="process">The forward process, and what the network predicts of it.</param>
    /// <param name="t">The timestep.</param>
    /// <param name="variance">The variance of the reverse process, where it is not learned; a learned one lies between the two.</param>
    /// <param name="learned">Whether the network's range chooses the variance between β̃_t and β_t.</param>
    /// <param name="clip">The bound of |x̂_0|; +∞ for none. A network that predicts the mean itself is never clipped.</param>
    /// <param name="decoder">How L_0 is computed.</param>
    /// <param name="row"><see cref="Device.BoundColumns"/> numbers.</param>
    /// <exception cref="ConfigurationException">ε is predicted at a timestep without signal.</exception>
    public static void Row(
        DiffusionProcess process, int t, ReverseVariance variance, bool learned, double clip, Span<double> row, BoundTerm decoder = BoundTerm.Decoder)
    {
        var schedule = process.Schedule;
        var (p, q) = process.X0(t);
        double posterior = schedule.PosteriorLogVariance(t);
        row[(int)BoundColumn.P] = p;
        row[(int)BoundColumn.Q] = q;
        row[(int)BoundColumn.Clip] = process.Prediction == Prediction.PosteriorMean ? double.PositiveInfinity : clip;
        row[(int)BoundColumn.X0Coefficient] = schedule.Posterior(t).X0Coefficient;
        row[(int)BoundColumn.LowLogVariance] = posterior;
        row[(int)BoundColumn.HighLogVariance] = learned ? Math.Log(schedule.Beta(t)) : LogVariance(schedule, t, variance);
        row[(int)BoundColumn.PosteriorLogVariance] = posterior;
        row[(int)BoundColumn.Term] = (double)(t == 0 ? decoder : BoundTerm.Divergence);
    }

    /// <summary>The logarithm of a fixed reverse variance. At timestep 0, where it is the decoder's, both kinds have β̃_1 (Ho et al.'s program, for a better likelihood).</summary>
    public static double LogVariance(NoiseSchedule schedule, int t, ReverseVariance variance) =>
        variance == ReverseVariance.FixedLarge && t > 0 ? Math.Log(schedule.Beta(t)) : schedule.PosteriorLogVariance(t);

    /// <summary>
    /// L_T = D_KL(q(x_T | x_0) ‖ N(0, 1)) in bits per dimension: what the last timestep still knows of the image. No network has a part in it.
    /// </summary>
    /// <param name="schedule">The noise schedule.</param>
    /// <param name="x0">The image, in [−1, 1].</param>
    public static double PriorBits(NoiseSchedule schedule, ReadOnlySpan<float> x0)
    {
        double squares = 0;
        foreach (float x in x0)
        {
            squares += (double)x * x;
        }
        var last = schedule.Level(schedule.Steps - 1);
        // ½(α²x² + σ² − 1 − ln σ²), in which α² = 1 − σ² leaves no difference of large numbers.
        double spread = last.NoiseVariance - 1 - Math.Log(last.NoiseVariance);
        return 0.5 * (last.SignalVariance * squares / x0.Length + spread) / NatsPerBit;
    }
}
