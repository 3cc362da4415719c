using RawDiffusion.Core;

namespace RawDiffusion.Models;

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
