using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>
/// A named weight of a network. The module that owns it declares it; a <see cref="ParameterSet"/> gives it memory on a device and
/// may point it at other values (the moving average) for a while.
/// </summary>
public sealed class Parameter
{
    private Tensor? _value;

    /// <summary>Declares a parameter.</summary>
    /// <param name="name">Diffusers' name: <c>down_blocks.0.resnets.0.conv1.weight</c>.</param>
    /// <param name="shape">The engine's shape: convolutions are [Cout, K, K, Cin].</param>
    /// <param name="initialization">How it starts.</param>
    public Parameter(string name, Shape shape, Initialization initialization)
    {
        (Name, Shape, Initialization) = (name, shape, initialization);
    }

    /// <summary>Diffusers' name.</summary>
    public string Name { get; }

    /// <summary>The engine's shape.</summary>
    public Shape Shape { get; }

    /// <summary>How it starts.</summary>
    public Initialization Initialization { get; }

    /// <summary>The values that ops read now.</summary>
    /// <exception cref="InvalidOperationException">No <see cref="ParameterSet"/> has given it memory yet.</exception>
    public Tensor Value
    {
        get => _value ?? throw new InvalidOperationException($"the parameter '{Name}' has no memory yet: create a ParameterSet for its network first");
        internal set => _value = value;
    }

    /// <summary>The inputs and outputs that a weight connects, kernel taps counted on both sides.</summary>
    internal (long In, long Out) Fans()
    {
        long taps = Shape.Rank == 4 ? (long)Shape[1] * Shape[2] : 1;
        return (Shape.C * taps, Shape[0] * taps);
    }
}
