using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>Self-attention over pixels: GN → q, k, v → softmax(qkᵀ/√d)v → linear, plus the input.</summary>
public sealed class AttentionBlock : Module
{
    private readonly GroupNormLayer? _norm;
    private readonly LinearLayer _q, _k, _v, _output;
    private readonly int _heads;
    private readonly double _outputScale;

    /// <summary>Declares the block's parameters under <paramref name="name"/>.</summary>
    /// <param name="name">Diffusers' name of the block.</param>
    /// <param name="channels">Channels in and out.</param>
    /// <param name="config">The network's configuration.</param>
    /// <param name="normGroups">Groups of the norm; null for no norm.</param>
    /// <param name="outputScale">What the residual sum is divided by.</param>
    public AttentionBlock(string name, int channels, UNetConfig config, int? normGroups, double outputScale = 1)
    {
        _heads = config.AttentionHeadDim is { } dim ? channels / dim : 1;
        _outputScale = outputScale;
        _norm = normGroups is { } groups ? Declare(new GroupNormLayer(name + ".group_norm", channels, groups, config.NormEps)) : null;
        _q = Declare(new LinearLayer(name + ".to_q", channels, channels));
        _k = Declare(new LinearLayer(name + ".to_k", channels, channels));
        _v = Declare(new LinearLayer(name + ".to_v", channels, channels));
        _output = Declare(new LinearLayer(name + ".to_out.0", channels, channels, Initialization.Zeros));
    }

    /// <summary>[N, H, W, C] to the same shape.</summary>
    public Tensor Forward(in BlockContext context, Tensor x)
    {
        var tape = context.Tape;
        using var scope = tape.Scope();
        var h = _norm?.Forward(tape, x) ?? x;
        var attended = tape.Attention(_q.Forward(tape, h), _k.Forward(tape, h), _v.Forward(tape, h), _heads);
        var y = _output.Forward(tape, attended, residual: x);
        return scope.Keep(_outputScale == 1 ? y : tape.Scale(y, 1 / _outputScale));
    }
}
