namespace RawDiffusion.Core;

/// <summary>
/// The gradient of a parameter: a tensor that outlives tapes (a slice of the gradient arena), in which the backward passes of several tapes
/// add up until it is forgotten. <see cref="Tensor.BindGradient"/> makes one.
/// </summary>
public sealed class BoundGradient
{
    internal BoundGradient(Tensor sum) => Sum = sum;

    /// <summary>∂loss/∂parameter, of the parameter's shape; undefined unless <see cref="HasSum"/>.</summary>
    public Tensor Sum { get; }

    /// <summary>Whether something was brought since <see cref="Forget"/>: the next backward pass adds to it, rather than overwriting.</summary>
    public bool HasSum { get; private set; }

    /// <summary>Says that nothing has been brought yet: the next backward pass overwrites what <see cref="Sum"/> holds.</summary>
    public void Forget() => HasSum = false;

    /// <summary>Replaces the sum by numbers that no backward pass brought.</summary>
    /// <exception cref="ArgumentException">The number of values is not the number of elements.</exception>
    public void Upload<T>(T[] values) where T : unmanaged, System.Numerics.INumberBase<T>
    {
        Sum.Upload(values);
        HasSum = true;
    }

    /// <summary>Hands the sum to a backward pass, which writes it.</summary>
    internal Sink Take()
    {
        var sink = new Sink(Sum, HasSum);
        HasSum = true;
        return sink;
    }
}
