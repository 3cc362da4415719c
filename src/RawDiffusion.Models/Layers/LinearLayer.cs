using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>A fully connected layer with bias.</summary>
public sealed class LinearLayer : Module
{
    private readonly Parameter _weight, _bias;

    /// <summary>Declares <c>name.weight</c> [output, input] and <c>name.bias</c> [output].</summary>
    public LinearLayer(string name, int input, int output, Initialization initialization = Initialization.FanAverageUniform)
    {
        _weight = Declare(name + ".weight", new Shape(output, input), initialization);
        _bias = Declare(name + ".bias", new Shape(output), Initialization.Zeros);
    }

    /// <summary>See <see cref="Tape.Linear"/>.</summary>
    public Tensor Forward(Tape tape, Tensor x, Tensor? residual = null) => tape.Linear(x, _weight.Value, _bias.Value, residual);
}
