namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>See <see cref="Tape.TimestepEmbedding"/>.</summary>
    public void TimestepEmbedding(Tensor timesteps, Tensor y, bool flipSinToCos, double frequencyShift)
    {
        const string op = nameof(TimestepEmbedding);
        Check(op, timesteps);
        int dim = y.Shape.C;
        if (timesteps.Shape.Rank != 1 || dim % 2 != 0 || !(dim / 2 > frequencyShift))
        {
            throw Unfit(op, $"timesteps [N] and an even width above {2 * frequencyShift}, not {dim}", timesteps);
        }
        Written(op, "y", y, new Shape(timesteps.Shape.N, dim));
        TimestepEmbeddingCore(timesteps, y, flipSinToCos, frequencyShift);
    }

    /// <summary>Does <see cref="TimestepEmbedding"/>, whose arguments have been checked.</summary>
    protected abstract void TimestepEmbeddingCore(Tensor timesteps, Tensor y, bool flipSinToCos, double frequencyShift);
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
        var y = Make(op, new Shape(timesteps.Shape.N, dim));
        Device.TimestepEmbedding(timesteps, y, flipSinToCos, frequencyShift);
        return y;
    }
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void TimestepEmbeddingCore(Tensor timesteps, Tensor y, bool flipSinToCos, double frequencyShift) =>
        Note(nameof(TimestepEmbedding), [Read(timesteps), Write(y)], $"{y.Shape}", (device, on) => device.TimestepEmbedding(on[timesteps], on[y], flipSinToCos, frequencyShift));
}
