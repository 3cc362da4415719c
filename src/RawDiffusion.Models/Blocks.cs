using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>What a forward pass has with it besides its inputs.</summary>
/// <param name="Tape">Runs the ops.</param>
/// <param name="ActivatedEmbedding">SiLU of the time embedding [N, E], which every residual block projects.</param>
/// <param name="Dropout">Seed and position of the dropout masks while training; null without dropout.</param>
public readonly record struct BlockContext(Tape Tape, Tensor ActivatedEmbedding, DropoutContext? Dropout);

/// <summary>Where dropout masks come from.</summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Position">Int32 [2]: the training step, and the index of the batch's first sample.</param>
public readonly record struct DropoutContext(ulong Seed, Tensor Position);

/// <summary>
/// The residual block: GN → SiLU → conv3 (+ projected time embedding) → GN → SiLU → dropout → conv3, plus the input, which a 1×1 convolution
/// brings to the same width where needed.
/// </summary>
public sealed class ResidualBlock : Module
{
    private readonly GroupNormLayer _norm1, _norm2;
    private readonly Conv2dLayer _conv1, _conv2;
    private readonly LinearLayer _timeProjection;
    private readonly Conv2dLayer? _shortcut;
    private readonly bool _scaleShift;
    private readonly double _dropout, _outputScale;
    private readonly uint _index;

    /// <summary>Declares the block's parameters under <paramref name="name"/>.</summary>
    /// <param name="name">The hub's name of the block.</param>
    /// <param name="input">Channels in.</param>
    /// <param name="output">Channels out.</param>
    /// <param name="config">The network's configuration.</param>
    /// <param name="index">The number of this block in the network: its dropout stream.</param>
    /// <param name="outputScale">What the residual sum is divided by.</param>
    public ResidualBlock(string name, int input, int output, UNetConfig config, uint index, double outputScale = 1)
    {
        (_scaleShift, _dropout, _index, _outputScale) = (config.TimeScaleShift, config.Dropout, index, outputScale);
        _norm1 = Declare(new GroupNormLayer(name + ".norm1", input, config.NormGroups, config.NormEps));
        _conv1 = Declare(new Conv2dLayer(name + ".conv1", input, output));
        _timeProjection = Declare(new LinearLayer(name + ".time_emb_proj", config.EmbeddingWidth, _scaleShift ? 2 * output : output));
        _norm2 = Declare(new GroupNormLayer(name + ".norm2", output, config.NormGroups, config.NormEps));
        _conv2 = Declare(new Conv2dLayer(name + ".conv2", output, output, initialization: Initialization.Zeros));
        _shortcut = input == output ? null : Declare(new Conv2dLayer(name + ".conv_shortcut", input, output, kernel: 1));
    }

    /// <summary>[N, H, W, input] to [N, H, W, output].</summary>
    public Tensor Forward(in BlockContext context, Tensor x)
    {
        var tape = context.Tape;
        using var scope = tape.Scope();
        var time = _timeProjection.Forward(tape, context.ActivatedEmbedding);
        var a = _norm1.Forward(tape, x, silu: true);
        var h = _conv1.Forward(tape, a, channelAdd: _scaleShift ? null : time);
        tape.Release(a);
        var b = _norm2.Forward(tape, h, silu: true, scaleShift: _scaleShift ? time : null);
        tape.Release(h);
        if (context.Dropout is { } dropout && _dropout > 0)
        {
            b = tape.Dropout(b, _dropout, new RandomStream(dropout.Seed, RandomPurpose.Dropout + _index, dropout.Position));
        }
        var y = _conv2.Forward(tape, b, residual: _shortcut?.Forward(tape, x) ?? x);
        return scope.Keep(_outputScale == 1 ? y : tape.Scale(y, 1 / _outputScale));
    }
}

/// <summary>Self-attention over pixels: GN → q, k, v → softmax(qkᵀ/√d)v → linear, plus the input.</summary>
public sealed class AttentionBlock : Module
{
    private readonly GroupNormLayer? _norm;
    private readonly LinearLayer _q, _k, _v, _output;
    private readonly int _heads;
    private readonly double _outputScale;

    /// <summary>Declares the block's parameters under <paramref name="name"/>.</summary>
    /// <param name="name">The hub's name of the block.</param>
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
