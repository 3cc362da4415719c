using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>A part of a network: it declares parameters under the hub's names, and other modules within it.</summary>
public abstract class Module
{
    private readonly List<Parameter> _parameters = [];

    /// <summary>Every parameter of this module and of those within, in the order of their declaration.</summary>
    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>Declares a parameter of this module.</summary>
    protected Parameter Declare(string name, Shape shape, Initialization initialization)
    {
        var parameter = new Parameter(name, shape, initialization);
        _parameters.Add(parameter);
        return parameter;
    }

    /// <summary>Declares a module within this one.</summary>
    protected T Declare<T>(T module) where T : Module
    {
        _parameters.AddRange(module.Parameters);
        return module;
    }
}

/// <summary>A convolution with bias.</summary>
public sealed class Conv2dLayer : Module
{
    private readonly Parameter _weight, _bias;
    private readonly int _stride;
    private readonly Padding _padding;

    /// <summary>Declares <c>name.weight</c> [output, kernel, kernel, input] and <c>name.bias</c> [output].</summary>
    public Conv2dLayer(string name, int input, int output, int kernel = 3, int stride = 1, Padding? padding = null, Initialization initialization = Initialization.FanAverageUniform)
    {
        _weight = Declare(name + ".weight", new Shape(output, kernel, kernel, input), initialization);
        _bias = Declare(name + ".bias", new Shape(output), Initialization.Zeros);
        (_stride, _padding) = (stride, padding ?? Padding.All(kernel / 2));
    }

    /// <summary>See <see cref="Tape.Conv2d"/>.</summary>
    public Tensor Forward(Tape tape, Tensor x, Tensor? channelAdd = null, Tensor? residual = null) =>
        tape.Conv2d(x, _weight.Value, _bias.Value, _stride, _padding, channelAdd, residual);
}

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

/// <summary>A group norm with its affine part.</summary>
public sealed class GroupNormLayer : Module
{
    private readonly Parameter _gamma, _beta;
    private readonly int _groups;
    private readonly double _eps;

    /// <summary>Declares <c>name.weight</c> and <c>name.bias</c> [channels].</summary>
    public GroupNormLayer(string name, int channels, int groups, double eps)
    {
        _gamma = Declare(name + ".weight", new Shape(channels), Initialization.Ones);
        _beta = Declare(name + ".bias", new Shape(channels), Initialization.Zeros);
        (_groups, _eps) = (groups, eps);
    }

    /// <summary>See <see cref="Tape.GroupNorm"/>.</summary>
    public Tensor Forward(Tape tape, Tensor x, bool silu = false, Tensor? scaleShift = null) =>
        tape.GroupNorm(x, _gamma.Value, _beta.Value, _groups, _eps, silu, scaleShift);
}

/// <summary>A table of learned rows: the class embedding.</summary>
public sealed class EmbeddingLayer : Module
{
    private readonly Parameter _table;

    /// <summary>Declares <c>name.weight</c> [rows, width].</summary>
    public EmbeddingLayer(string name, int rows, int width) => _table = Declare(name + ".weight", new Shape(rows, width), Initialization.Normal);

    /// <summary>See <see cref="Tape.Embedding"/>.</summary>
    public Tensor Forward(Tape tape, Tensor labels) => tape.Embedding(_table.Value, labels);
}
