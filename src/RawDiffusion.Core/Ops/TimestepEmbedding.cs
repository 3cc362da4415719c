namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>See <see cref="Tape.TimestepEmbedding"/>.</summary>
    public abstract void TimestepEmbedding(Tensor timesteps, Tensor y, bool flipSinToCos, double frequencyShift);
}

public sealed partial class Tape
{
    /// <summary>
    /// The sinusoidal embedding of Ho et al. 2020: with half = dim/2 and ω_i = 10000^(−i/(half − frequencyShift)), i in 0..half−1,
    /// the row of t is [sin tω | cos tω], or [cos tω | sin tω] if flipped.
    /// </summary>
    /// <param name="timesteps">[N].</param>
    /// <param name="dim">An even width.</param>
    /// <param name="flipSinToCos">Whether the cosines come first.</param>
    /// <param name="frequencyShift">1 in the paper's code, 0 in later networks.</param>
    /// <returns>[N, dim]; no gradient goes back to the timesteps.</returns>
    /// <exception cref="ArgumentException">An odd width, or half − frequencyShift not above zero.</exception>
    public Tensor TimestepEmbedding(Tensor timesteps, int dim, bool flipSinToCos, double frequencyShift)
    {
        const string op = "TimestepEmbedding";
        Check(op, timesteps);
        Expect(timesteps.Shape.Rank == 1 && dim % 2 == 0 && dim / 2 > frequencyShift, op, $"timesteps [N] and an even width above {2 * frequencyShift}, not {dim}", timesteps);
        var y = Make(op, new Shape(timesteps.Shape.N, dim));
        Device.TimestepEmbedding(timesteps, y, flipSinToCos, frequencyShift);
        return y;
    }
}
