using RawDiffusion.Core;

namespace RawDiffusion.Models;

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
    /// <param name="name">Diffusers' name of the block.</param>
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
        if (context.Random is { } random && _dropout > 0)
        {
            b = tape.Dropout(b, _dropout, random.Stream(RandomPurpose.Dropout + _index));
        }
        var y = _conv2.Forward(tape, b, residual: _shortcut?.Forward(tape, x) ?? x);
        return scope.Keep(_outputScale == 1 ? y : tape.Scale(y, 1 / _outputScale));
    }
}
