using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>The named scalars of an objective's forward pass; the first is minimised, the others are reported beside it.</summary>
public sealed class Losses
{
    /// <summary>The most scalars that one step reports.</summary>
    public const int Most = 15;

    private readonly (string Name, Tensor Value)[] _losses;

    /// <summary>A set of losses.</summary>
    /// <param name="losses">Distinct names, as the run's log shows them, and tensors [1]: the first made by the tape, any other too or the objective's own.</param>
    /// <exception cref="ArgumentException">None or too many, a name twice, or a tensor of several elements.</exception>
    public Losses(params (string Name, Tensor Value)[] losses)
    {
        if (losses.Length is 0 or > Most || losses.DistinctBy(loss => loss.Name).Count() < losses.Length || losses.Any(loss => loss.Value.Shape.Count != 1))
        {
            throw new ArgumentException(
                $"an objective should return 1 to {Most} losses of one element and of distinct names; found " +
                $"{string.Join(", ", losses.Select(loss => $"{loss.Name} {loss.Value}"))}");
        }
        _losses = losses;
    }

    /// <summary>How many there are.</summary>
    public int Count => _losses.Length;

    /// <summary>What is minimised.</summary>
    public Tensor Minimised => _losses[0].Value;

    /// <summary>A loss by its place.</summary>
    public (string Name, Tensor Value) this[int index] => _losses[index];
}
