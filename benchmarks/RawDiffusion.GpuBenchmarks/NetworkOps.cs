using RawDiffusion.Core;
using RawDiffusion.Models;

namespace RawDiffusion.GpuBenchmarks;

/// <summary>The shapes on which a U-Net for square images runs its larger ops, each with how often; in the order of <see cref="UNet.Forward"/>.</summary>
internal sealed class NetworkOps
{
    private readonly UNetConfig _network;
    private readonly int _batch;

    public NetworkOps(UNetConfig network, int batch)
    {
        (_network, _batch) = (network, batch);
        var channels = network.BlockChannels;
        int side = network.Height, width = channels[0];
        Convolve(side, network.InChannels, width);
        for (int level = 0; level < channels.Count; level++)
        {
            for (int i = 0; i < network.LayersPerBlock; i++)
            {
                Block(side, width, channels[level], network.DownAttention(level));
                width = channels[level];
            }
            if (level < channels.Count - 1)
            {
                int pad = network.DownsamplePadding;
                Add(Convolutions, new ConvGeometry(batch, side, side, width, width, 3, 2, pad, pad, 1, 1));
                side /= 2;
            }
        }
        Block(side, width, width, network.MiddleAttention);
        Block(side, width, width, attention: false);
        foreach (var (i, up) in network.UpWidths().Index())
        {
            int level = channels.Count - 1 - i / (network.LayersPerBlock + 1);
            Add(Concatenations, (new Shape(batch, side, side, width), up.Input - width));
            Block(side, up.Input, up.Output, network.UpAttention(level));
            width = up.Output;
            if (level > 0 && (i + 1) % (network.LayersPerBlock + 1) == 0)
            {
                Add(Upsamplings, new Shape(batch, side, side, width));
                side *= 2;
                Convolve(side, width, width);
            }
        }
        Add(Norms, (new Shape(batch, side, side, width), true));
        Convolve(side, width, network.OutChannels);
    }

    /// <summary>Convolutions other than 1×1.</summary>
    public Dictionary<ConvGeometry, int> Convolutions { get; } = [];

    /// <summary>Matrix products over all pixels: rows, inputs, outputs.</summary>
    public Dictionary<(int Rows, int Inputs, int Outputs), int> Products { get; } = [];

    /// <summary>Group norms, with or without SiLU.</summary>
    public Dictionary<(Shape X, bool Silu), int> Norms { get; } = [];

    /// <summary>Attention of one head, or of as many as the network has.</summary>
    public Dictionary<(Shape Q, int Heads), int> Attentions { get; } = [];

    /// <summary>What is concatenated with a skip of so many channels.</summary>
    public Dictionary<(Shape X, int SkipChannels), int> Concatenations { get; } = [];

    /// <summary>What is enlarged to twice its rows and columns.</summary>
    public Dictionary<Shape, int> Upsamplings { get; } = [];

    private void Block(int side, int input, int output, bool attention)
    {
        Add(Norms, (new Shape(_batch, side, side, input), true));
        Convolve(side, input, output);
        Add(Norms, (new Shape(_batch, side, side, output), true));
        Convolve(side, output, output);
        int rows = _batch * side * side;
        if (input != output)
        {
            Add(Products, (rows, input, output));
        }
        if (attention)
        {
            var shape = new Shape(_batch, side, side, output);
            Add(Norms, (shape, false));
            Add(Attentions, (shape, _network.AttentionHeadDim is { } dim ? output / dim : 1));
            Add(Products, (rows, output, output), times: 4);
        }
    }

    private void Convolve(int side, int input, int output) => Add(Convolutions, ConvGeometry.Symmetric(_batch, side, side, input, output));

    private static void Add<T>(Dictionary<T, int> counts, T shape, int times = 1) where T : notnull => counts[shape] = counts.GetValueOrDefault(shape) + times;
}
