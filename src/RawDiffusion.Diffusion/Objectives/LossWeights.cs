namespace RawDiffusion.Diffusion;

/// <summary>The numbers behind <see cref="LossWeighting"/>. A constant 1 is L_simple (Ho et al. 2020, eq. 14).</summary>
public static class LossWeights
{
    /// <summary>
    /// Min-SNR-γ (Hang et al. 2023): the error of x̂_0 counts min(SNR, γ), whatever the network predicts. In terms of its own target that is
    /// min(SNR, γ)/SNR for ε, min(SNR, γ) for x0 and min(SNR, γ)/(SNR+1) for v.
    /// </summary>
    /// <param name="process">The forward process and what the network predicts of it.</param>
    /// <param name="gamma">γ, above 0; the paper's is 5.</param>
    /// <param name="t">The timestep.</param>
    public static double MinSnr(DiffusionProcess process, double gamma, int t)
    {
        double ratio = process.Schedule.SignalToNoise(t), clipped = Math.Min(ratio, gamma);
        if (process.Prediction == Prediction.Epsilon)
        {
            return ratio == 0 ? 1 : clipped / ratio; // the limit where x̂_0 does not exist
        }
        double q = process.X0(t).Q;
        return clipped * q * q;
    }
}
