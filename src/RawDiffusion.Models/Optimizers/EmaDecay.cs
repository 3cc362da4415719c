namespace RawDiffusion.Models;

/// <summary>
/// The decay of the exponential moving average of weights: ema ← decay·ema + (1 − decay)·weights after every update. The average starts as a
/// copy of the weights; with warm-up the decay of update n is min(decay, (1 + n)/(10 + n)), so that the first steps' noise is soon forgotten.
/// </summary>
/// <param name="Decay">The final decay.</param>
/// <param name="WarmUp">Whether the decay starts low.</param>
public readonly record struct EmaDecay(double Decay, bool WarmUp)
{
    /// <summary>The decay of update <paramref name="n"/>, counted from 1.</summary>
    public double At(long n) => WarmUp ? Math.Min(Decay, (1.0 + n) / (10.0 + n)) : Decay;

    /// <summary>The weight that the initial values still have after <paramref name="n"/> updates.</summary>
    public double ShareOfStart(long n)
    {
        double share = 1;
        for (long i = 1; i <= n && share > 1e-12; i++)
        {
            share *= At(i);
        }
        return share;
    }
}
