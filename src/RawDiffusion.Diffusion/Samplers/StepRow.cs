namespace RawDiffusion.Diffusion;

/// <summary>
/// One step of a sampler in numbers, in double precision. The network hears InputScale·x at Timestep; then
/// x̂_0 = clamp(P·x + Q·output, −Clip, Clip), and x becomes U·x + V·x̂_0 + Σ W_k·history_k + S·z. As all that follows is made from the
/// clipped x̂_0, so is the ε it implies. A row without a timestep does not ask the network: x̂_0 stays what it was.
/// </summary>
public sealed record StepRow
{
    /// <summary>The timestep that the network hears, whole or not; NaN for a step that does not ask it.</summary>
    public double Timestep { get; init; } = double.NaN;

    /// <summary>c_in: what x is multiplied by for the network.</summary>
    public double InputScale { get; init; } = 1;

    /// <summary>x's part in x̂_0.</summary>
    public double P { get; init; }

    /// <summary>The network output's part in x̂_0.</summary>
    public double Q { get; init; }

    /// <summary>The bound of |x̂_0|; +∞ for none.</summary>
    public double Clip { get; init; } = double.PositiveInfinity;

    /// <summary>x's part in the next x.</summary>
    public double U { get; init; } = 1;

    /// <summary>x̂_0's part in the next x.</summary>
    public double V { get; init; }

    /// <summary>The parts that tensors kept from earlier steps have in the next x, the latest first: as many in every row of a table.</summary>
    public IReadOnlyList<double> W { get; init; } = [];

    /// <summary>The standard deviation of the fresh noise z; 0 for none.</summary>
    public double S { get; init; }

    /// <summary>Whether the step asks the network.</summary>
    public bool AsksNetwork => !double.IsNaN(Timestep);
}
