using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>
/// The U-Net of Ho et al. 2020 as Hugging Face diffusers has it (<c>UNet2DModel</c>): parameters carry diffusers' names, and any configuration
/// of <see cref="UNetConfig"/> computes what diffusers' network computes.
/// </summary>
public sealed class UNet : Module
{
    private readonly Conv2dLayer _convIn, _convOut;
    private readonly LinearLayer _time1, _time2;
    private readonly EmbeddingLayer? _classEmbedding;
    private readonly Level[] _down, _up;
    private readonly ResidualBlock _middle1, _middle2;
    private readonly AttentionBlock? _middleAttention;
    private readonly GroupNormLayer _normOut;

    /// <summary>Declares the network; a <see cref="ParameterSet"/> gives it memory.</summary>
    /// <exception cref="ConfigurationException">Names everything that is wrong with the configuration.</exception>
    public UNet(UNetConfig config)
    {
        Config = config.Validated();
        var channels = config.BlockChannels;
        uint block = 0;
        _convIn = Declare(new Conv2dLayer("conv_in", config.InChannels, channels[0]));
        _time1 = Declare(new LinearLayer("time_embedding.linear_1", channels[0], config.EmbeddingWidth));
        _time2 = Declare(new LinearLayer("time_embedding.linear_2", config.EmbeddingWidth, config.EmbeddingWidth));
        _classEmbedding = config.ClassEmbeddings is { } classes ? Declare(new EmbeddingLayer("class_embedding", classes, config.EmbeddingWidth)) : null;

        _down = new Level[channels.Count];
        for (int level = 0; level < channels.Count; level++)
        {
            string name = $"down_blocks.{level}";
            int before = channels[Math.Max(0, level - 1)], width = channels[level];
            var widths = Enumerable.Range(0, config.LayersPerBlock).Select(i => (i == 0 ? before : width, width)).ToArray();
            var padding = config.DownsamplePadding == 0 ? Padding.BottomRight : Padding.All(1);
            var resample = level < channels.Count - 1 ? new Conv2dLayer(name + ".downsamplers.0.conv", width, width, stride: 2, padding: padding) : null;
            _down[level] = Declare(new Level(name, widths, config.DownAttention(level), config, ref block, resample));
        }

        _middle1 = Declare(new ResidualBlock("mid_block.resnets.0", channels[^1], channels[^1], config, block++, config.MiddleScale));
        _middleAttention = config.MiddleAttention
            ? Declare(new AttentionBlock("mid_block.attentions.0", channels[^1], config, config.MiddleAttentionNormGroups, config.MiddleScale))
            : null;
        _middle2 = Declare(new ResidualBlock("mid_block.resnets.1", channels[^1], channels[^1], config, block++, config.MiddleScale));

        var upWidths = config.UpWidths().Chunk(config.LayersPerBlock + 1).ToArray();
        _up = new Level[channels.Count];
        for (int i = 0; i < channels.Count; i++)
        {
            int level = channels.Count - 1 - i;
            string name = $"up_blocks.{i}";
            var resample = level > 0 ? new Conv2dLayer(name + ".upsamplers.0.conv", channels[level], channels[level]) : null;
            _up[i] = Declare(new Level(name, upWidths[i], config.UpAttention(level), config, ref block, resample));
        }
        _normOut = Declare(new GroupNormLayer("conv_norm_out", channels[0], config.NormGroups, config.NormEps));
        _convOut = Declare(new Conv2dLayer("conv_out", channels[0], config.OutChannels, initialization: Initialization.Zeros));
    }

    /// <summary>What the network was built from.</summary>
    public UNetConfig Config { get; }

    /// <summary>The network's raw output (ε, x0 or v, as it was trained) for a batch of noisy images.</summary>
    /// <param name="tape">Runs the ops, and owns the result.</param>
    /// <param name="input">
    /// x [N, H, W, InChannels] with H and W multiples of <see cref="UNetConfig.SizeMultiple"/>, condition planes among its channels; timesteps
    /// [N]; labels Int32 [N], where the network has classes; where dropout masks come from, while training.
    /// </param>
    /// <returns>[N, H, W, OutChannels].</returns>
    /// <exception cref="ArgumentException">A shape that does not fit, labels missing or not wanted, or planes apart from x.</exception>
    public Tensor Forward(Tape tape, in NetworkInput input)
    {
        CheckInput(input);
        var (x, timesteps, condition, random) = input;
        using var scope = tape.Scope();
        var embedding = tape.TimestepEmbedding(timesteps, Config.BlockChannels[0], Config.FlipSinToCos, Config.FreqShift);
        embedding = _time2.Forward(tape, tape.Silu(_time1.Forward(tape, embedding)));
        if (_classEmbedding is not null)
        {
            embedding = tape.Add(embedding, _classEmbedding.Forward(tape, condition.Labels!));
        }
        var context = new BlockContext(tape, tape.Silu(embedding), random);
        var h = _convIn.Forward(tape, x);
        var skips = new Stack<Tensor>([h]);
        foreach (var level in _down)
        {
            h = level.Down(context, h, skips);
        }
        h = _middle1.Forward(context, h);
        h = _middleAttention?.Forward(context, h) ?? h;
        h = _middle2.Forward(context, h);
        foreach (var level in _up)
        {
            h = level.Up(context, h, skips);
        }
        return scope.Keep(_convOut.Forward(tape, _normOut.Forward(tape, h, silu: true)));
    }

    private void CheckInput(in NetworkInput input)
    {
        var (x, labels) = (input.X, input.Condition.Labels);
        if (x.Shape.Rank != 4 || x.Shape.C != Config.InChannels || x.Shape[1] % Config.SizeMultiple != 0 || x.Shape[2] % Config.SizeMultiple != 0)
        {
            throw new ArgumentException($"UNet: expected images [N, H, W, {Config.InChannels}] with H and W multiples of {Config.SizeMultiple}; found {x}");
        }
        if (labels is null != (_classEmbedding is null))
        {
            throw new ArgumentException(labels is null
                ? $"UNet: this network has {Config.ClassEmbeddings} classes and needs labels; none were given"
                : "UNet: labels were given, but this network has no classes");
        }
        if (input.Condition.Planes is { } planes)
        {
            throw new ArgumentException($"UNet: expected condition planes among the channels of {x}; found {planes} apart from them. A conditioned network lays them " +
                "side by side.");
        }
    }

    /// <summary>The residual blocks of one resolution, each with its attention, and the convolution to the next resolution.</summary>
    private sealed class Level : Module
    {
        private readonly ResidualBlock[] _blocks;
        private readonly AttentionBlock[] _attentions;
        private readonly Conv2dLayer? _resample;

        public Level(string name, (int Input, int Output)[] widths, bool attention, UNetConfig config, ref uint index, Conv2dLayer? resample)
        {
            _blocks = new ResidualBlock[widths.Length];
            for (int i = 0; i < widths.Length; i++)
            {
                _blocks[i] = Declare(new ResidualBlock($"{name}.resnets.{i}", widths[i].Input, widths[i].Output, config, index++));
            }
            _attentions = attention
                ? [.. widths.Select((w, i) => Declare(new AttentionBlock($"{name}.attentions.{i}", w.Output, config, config.NormGroups)))]
                : [];
            _resample = resample is null ? null : Declare(resample);
        }

        public Tensor Down(in BlockContext context, Tensor h, Stack<Tensor> skips)
        {
            for (int i = 0; i < _blocks.Length; i++)
            {
                h = Block(context, i, h);
                skips.Push(h);
            }
            if (_resample is not null)
            {
                h = _resample.Forward(context.Tape, h);
                skips.Push(h);
            }
            return h;
        }

        public Tensor Up(in BlockContext context, Tensor h, Stack<Tensor> skips)
        {
            var tape = context.Tape;
            for (int i = 0; i < _blocks.Length; i++)
            {
                var skip = skips.Pop();
                var joined = tape.ConcatChannels(h, skip);
                tape.Release(skip);
                if (h != skip)
                {
                    tape.Release(h);
                }
                h = Block(context, i, joined);
                tape.Release(joined);
            }
            if (_resample is not null)
            {
                var small = h;
                var large = tape.UpsampleNearest(small);
                tape.Release(small);
                h = _resample.Forward(tape, large);
                tape.Release(large);
            }
            return h;
        }

        private Tensor Block(in BlockContext context, int i, Tensor x)
        {
            var h = _blocks[i].Forward(context, x);
            if (_attentions.Length == 0)
            {
                return h;
            }
            var attended = _attentions[i].Forward(context, h);
            context.Tape.Release(h);
            return attended;
        }
    }
}
