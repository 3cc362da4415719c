namespace RawDiffusion.Core;

/// <summary>
/// Where one gradient of a backward goes. Without a tensor nobody wants that gradient, and it is not computed. What a gradient's bits are
/// does not depend on which others are wanted.
/// </summary>
/// <param name="Tensor">Takes the gradient; null if nobody wants it.</param>
/// <param name="Accumulate">Whether the gradient is added to what the tensor holds, rather than overwriting it.</param>
public readonly record struct Sink(Tensor? Tensor, bool Accumulate)
{
    /// <summary>For a gradient that nobody wants.</summary>
    public static Sink None => default;

    /// <summary>Whether there is somewhere to put the gradient.</summary>
    public bool IsWanted => Tensor is not null;

    /// <summary>Overwrites a tensor.</summary>
    public static Sink Into(Tensor tensor) => new(tensor, false);

    /// <summary>Adds to a tensor.</summary>
    public static Sink Onto(Tensor tensor) => new(tensor, true);
}
