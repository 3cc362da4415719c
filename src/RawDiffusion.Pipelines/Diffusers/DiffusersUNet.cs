using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Models;
using Key = RawDiffusion.Pipelines.ConfigKey<RawDiffusion.Models.UNetConfig>;

namespace RawDiffusion.Pipelines;

/// <summary>
/// The configuration of diffusers' <c>UNet2DModel</c> (<c>unet/config.json</c>), which a checkpoint describes its network with, too. The defaults
/// here are those that readers of the format assume for a missing key; they are not those of Ho et al. 2020.
/// </summary>
public static class DiffusersUNet
{
    private const string DownBlock = "DownBlock2D", AttnDownBlock = "AttnDownBlock2D", UpBlock = "UpBlock2D", AttnUpBlock = "AttnUpBlock2D";

    private static readonly ConfigTable<UNetConfig> _table = new(
        "UNet2DModel",
        [
            Key.Fixed("act_fn", "silu", "swish"),
            Key.Flag("add_attention", unet => unet.MiddleAttention, (unet, value) => unet with { MiddleAttention = value }, true),
            Key.OptionalInt("attention_head_dim", unet => unet.AttentionHeadDim, (unet, value) => unet with { AttentionHeadDim = value }, 8),
            Key.OptionalInt("attn_norm_num_groups", unet => unet.AttentionNormGroups, (unet, value) => unet with { AttentionNormGroups = value }, null),
            Key.Ints("block_out_channels", unet => unet.BlockChannels, (unet, value) => unet with { BlockChannels = value }, [224, 448, 672, 896]),
            Key.Fixed("center_input_sample", false),
            Key.Fixed("class_embed_type", null),
            new("down_block_types", ReadDownBlocks, unet => Blocks(unet, unet.DownAttention, DownBlock, AttnDownBlock, finestFirst: true)),
            Key.Int("downsample_padding", unet => unet.DownsamplePadding, (unet, value) => unet with { DownsamplePadding = value }, 1, least: 0, most: 1),
            Key.Fixed("downsample_type", "conv"),
            Key.Number("dropout", unet => unet.Dropout, (unet, value) => unet with { Dropout = value }, 0, 0, 1),
            Key.Flag("flip_sin_to_cos", unet => unet.FlipSinToCos, (unet, value) => unet with { FlipSinToCos = value }, true),
            Key.Number("freq_shift", unet => unet.FreqShift, (unet, value) => unet with { FreqShift = value }, 0, 0, 1),
            Key.Int("in_channels", unet => unet.InChannels, (unet, value) => unet with { InChannels = value }, 3),
            Key.Int("layers_per_block", unet => unet.LayersPerBlock, (unet, value) => unet with { LayersPerBlock = value }, 2),
            Key.Number("mid_block_scale_factor", unet => unet.MiddleScale, (unet, value) => unet with { MiddleScale = value }, 1, 1e-6, 1e6),
            Key.Fixed("mid_block_type", "UNetMidBlock2D"),
            Key.Number("norm_eps", unet => unet.NormEps, (unet, value) => unet with { NormEps = value }, 1e-5, 0, 1),
            Key.Int("norm_num_groups", unet => unet.NormGroups, (unet, value) => unet with { NormGroups = value }, 32),
            Key.OptionalInt("num_class_embeds", unet => unet.ClassEmbeddings, (unet, value) => unet with { ClassEmbeddings = value }, null),
            // Of another kind of time embedding.
            new("num_train_timesteps", IgnoreTimesteps, _ => null),
            Key.Int("out_channels", unet => unet.OutChannels, (unet, value) => unet with { OutChannels = value }, 3),
            Key.Choice(
                "resnet_time_scale_shift", ["default", "scale_shift"], unet => unet.TimeScaleShift ? "scale_shift" : "default",
                (unet, value) => unet with { TimeScaleShift = value == "scale_shift" }, "default"),
            new("sample_size", ReadSize, unet => unet.Height == unet.Width ? unet.Height : new JsonArray(unet.Height, unet.Width)),
            Key.OptionalInt("time_embedding_dim", unet => unet.TimeEmbeddingDim, (unet, value) => unet with { TimeEmbeddingDim = value }, null),
            Key.Fixed("time_embedding_type", "positional"),
            new("up_block_types", ReadUpBlocks, unet => Blocks(unet, unet.UpAttention, UpBlock, AttnUpBlock, finestFirst: false)),
            Key.Fixed("upsample_type", "conv"),
        ],
        // Notes of the averaging that made the weights.
        "decay", "inv_gamma", "min_decay", "optimization_step", "power", "update_after_step", "use_ema_warmup");

    /// <summary>The class.</summary>
    internal static string ClassName => _table.ClassName;

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <param name="json">Its contents.</param>
    /// <param name="file">Its path, for messages.</param>
    /// <exception cref="ConfigurationException">Something in it is not supported; the message lists all that is not.</exception>
    public static UNetConfig FromJson(JsonObject json, string file)
    {
        var problems = new List<string>();
        var network = Read(json, file, problems);
        DiffusersModel.ThrowIfAny(problems);
        return network;
    }

    /// <summary>The contents of a <c>config.json</c>, every key written.</summary>
    public static JsonObject ToJson(UNetConfig network) => _table.ToJson(network);

    /// <summary>Reads a <c>config.json</c>, noting what is not supported.</summary>
    internal static UNetConfig Read(JsonObject json, string file, List<string> problems)
    {
        var fields = new ConfigFields(json, file, problems);
        fields.Only("_class_name", _table.ClassName);
        var network = _table.Read(fields, new UNetConfig());
        foreach (var problem in network.Problems())
        {
            fields.Problem(problem.ToString());
        }
        return network;
    }

    private static UNetConfig ReadSize(ConfigFields fields, UNetConfig unet)
    {
        // Where nothing is said, any size is as good as another: the network runs at all.
        var (height, width) = fields.OptionalSize("sample_size") ?? (Math.Max(32, unet.SizeMultiple), Math.Max(32, unet.SizeMultiple));
        return unet with { Height = height, Width = width };
    }

    private static UNetConfig IgnoreTimesteps(ConfigFields fields, UNetConfig unet)
    {
        fields.Ignore("num_train_timesteps");
        return unet;
    }

    private static UNetConfig ReadDownBlocks(ConfigFields fields, UNetConfig unet) =>
        unet with
        {
            AttentionLevels = ReadBlocks(fields, unet, "down_block_types", [DownBlock, AttnDownBlock, AttnDownBlock, AttnDownBlock],
            [DownBlock, AttnDownBlock], finestFirst: true)
        };

    private static UNetConfig ReadUpBlocks(ConfigFields fields, UNetConfig unet)
    {
        int[] levels = ReadBlocks(fields, unet, "up_block_types", [AttnUpBlock, AttnUpBlock, AttnUpBlock, UpBlock], [UpBlock, AttnUpBlock], finestFirst: false);
        return unet with { UpAttentionLevels = levels.SequenceEqual(unet.AttentionLevels) ? null : levels };
    }

    /// <summary>The levels with attention, rising.</summary>
    /// <param name="fields">The file.</param>
    /// <param name="unet">The network, whose channels have been read.</param>
    /// <param name="key">The key.</param>
    /// <param name="missing">Its value where it is missing.</param>
    /// <param name="kinds">A level without attention, and one with.</param>
    /// <param name="finestFirst">Whether the list begins with level 0.</param>
    private static int[] ReadBlocks(ConfigFields fields, UNetConfig unet, string key, string[] missing, string[] kinds, bool finestFirst)
    {
        string[] blocks = fields.Words(key, missing, kinds);
        if (blocks.Length != unet.BlockChannels.Count)
        {
            fields.Problem($"block_out_channels has {unet.BlockChannels.Count} levels, {key} {blocks.Length}; they must agree");
            return [];
        }
        return [.. (finestFirst ? blocks : blocks.Reverse()).Index().Where(level => level.Item == kinds[1]).Select(level => level.Index)];
    }

    private static JsonArray Blocks(UNetConfig unet, Func<int, bool> attention, string plain, string attending, bool finestFirst)
    {
        var levels = Enumerable.Range(0, unet.BlockChannels.Count);
        return Key.Array(finestFirst ? levels : levels.Reverse(), level => attention(level) ? attending : plain);
    }
}
