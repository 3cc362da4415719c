using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>A convolution with bias.</summary>
public sealed class Conv2dLayer : Module
{
    private readonly Parameter _weight, _bias;
    private readonly int _stride;
    private readonly Padding _padding;

    /// <summary>Declares <c>name.weight</c> [output, kernel, kernel, input] and <c>name.bias</c> [output].</summary>
    public Conv2dLayer(string name, int input, int output, int kernel = 3, int stride = 1, Padding? padding = null,
        Initialization initialization = Initialization.FanAverageUniform)
    {
        _weight = Declare(name + ".weight", new Shape(output, kernel, kernel, input), initialization);
        _bias = Declare(name + ".bias", new Shape(output), Initialization.Zeros);
        (_stride, _padding) = (stride, padding ?? Padding.All(kernel / 2));
    }

    /// <summary>See <see cref="Tape.Conv2d"/>.</summary>
    public Tensor Forward(Tape tape, Tensor x, Tensor? channelAdd = null, Tensor? residual = null) =>
        tape.Conv2d(x, _weight.Value, _bias.Value, _stride, _padding, channelAdd, residual);
}
