using System.Text.Json.Nodes;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// The configuration of a hub's <c>UNet2DModel</c>, key by key. The defaults here are those that readers of the format assume for a
/// missing key; they are not those of Ho et al. 2020. Everything is written, so no reader's default ever matters.
/// </summary>
public sealed record UNet2DConfig
{
    /// <summary>A level of residual blocks without attention, on the way down.</summary>
    public const string DownBlock = "DownBlock2D";

    /// <summary>A level of residual blocks each followed by attention, on the way down.</summary>
    public const string AttnDownBlock = "AttnDownBlock2D";

    /// <summary>A level of residual blocks without attention, on the way up.</summary>
    public const string UpBlock = "UpBlock2D";

    /// <summary>A level of residual blocks each followed by attention, on the way up.</summary>
    public const string AttnUpBlock = "AttnUpBlock2D";

    private const string ClassName = "UNet2DModel";

    /// <summary>What the network was trained on, in pixels; null where unsaid. (<c>sample_size</c>)</summary>
    public (int Height, int Width)? SampleSize { get; init; }

    /// <summary>Channels of the input. (<c>in_channels</c>)</summary>
    public int InChannels { get; init; } = 3;

    /// <summary>Channels of the output: those of the input, or twice as many where the variance is learned. (<c>out_channels</c>)</summary>
    public int OutChannels { get; init; } = 3;

    /// <summary>Width of the time embedding after its two linear layers; null for four times the first level's. (<c>time_embedding_dim</c>)</summary>
    public int? TimeEmbeddingDim { get; init; }

    /// <summary>What is subtracted from half the sinusoid's width in the frequencies' divisor. (<c>freq_shift</c>)</summary>
    public double FreqShift { get; init; }

    /// <summary>Whether cosines come before sines in the time embedding. (<c>flip_sin_to_cos</c>)</summary>
    public bool FlipSinToCos { get; init; } = true;

    /// <summary>Kinds of the levels on the way down, finest first. (<c>down_block_types</c>)</summary>
    public IReadOnlyList<string> DownBlockTypes { get; init; } = [DownBlock, AttnDownBlock, AttnDownBlock, AttnDownBlock];

    /// <summary>Kinds of the levels on the way up, coarsest first. (<c>up_block_types</c>)</summary>
    public IReadOnlyList<string> UpBlockTypes { get; init; } = [AttnUpBlock, AttnUpBlock, AttnUpBlock, UpBlock];

    /// <summary>Channels of each level, finest first. (<c>block_out_channels</c>)</summary>
    public IReadOnlyList<int> BlockOutChannels { get; init; } = [224, 448, 672, 896];

    /// <summary>Residual blocks per level on the way down; one more on the way up. (<c>layers_per_block</c>)</summary>
    public int LayersPerBlock { get; init; } = 2;

    /// <summary>What the sums in the middle's residual and attention blocks are divided by. (<c>mid_block_scale_factor</c>)</summary>
    public double MidBlockScaleFactor { get; init; } = 1;

    /// <summary>1 for padding all round before a downsampling convolution, 0 for right and bottom only. (<c>downsample_padding</c>)</summary>
    public int DownsamplePadding { get; init; } = 1;

    /// <summary>Probability of dropping an activation in training. (<c>dropout</c>)</summary>
    public double Dropout { get; init; }

    /// <summary>Channels of one attention head; null for a single head. (<c>attention_head_dim</c>)</summary>
    public int? AttentionHeadDim { get; init; } = 8;

    /// <summary>Groups of every group norm. (<c>norm_num_groups</c>)</summary>
    public int NormNumGroups { get; init; } = 32;

    /// <summary>Groups of the middle attention's norm, where it differs; see <see cref="MidAttentionGroups"/>. (<c>attn_norm_num_groups</c>)</summary>
    public int? AttnNormNumGroups { get; init; }

    /// <summary>What is added to a group's variance. (<c>norm_eps</c>)</summary>
    public double NormEps { get; init; } = 1e-5;

    /// <summary>Whether the time embedding scales and shifts the second norm instead of being added before it. (<c>resnet_time_scale_shift</c>)</summary>
    public bool TimeScaleShift { get; init; }

    /// <summary>Whether the middle has attention. (<c>add_attention</c>)</summary>
    public bool AddAttention { get; init; } = true;

    /// <summary>Rows of the class embedding; null for an unconditional network. (<c>num_class_embeds</c>)</summary>
    public int? NumClassEmbeds { get; init; }

    /// <summary>
    /// Groups of the norm in the middle's attention, or null where that attention has no norm at all: the format's networks leave it
    /// out with time scale and shift, unless <see cref="AttnNormNumGroups"/> asks for it. The other levels' attention always has one.
    /// </summary>
    public int? MidAttentionGroups => AttnNormNumGroups ?? (TimeScaleShift ? null : NormNumGroups);

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <param name="json">Its contents.</param>
    /// <param name="file">Its path, for messages.</param>
    /// <exception cref="ConfigurationException">Something in it is not supported; the message lists all that is not.</exception>
    public static UNet2DConfig FromJson(JsonObject json, string file)
    {
        var problems = new List<string>();
        var config = Read(json, file, problems);
        HubFolder.ThrowIfAny(problems);
        return config;
    }

    /// <summary>The contents of a <c>config.json</c>, every key written.</summary>
    public JsonObject ToJson() => new()
    {
        ["_class_name"] = ClassName,
        ["_diffusers_version"] = HubFolder.FormatVersion,
        ["act_fn"] = "silu",
        ["add_attention"] = AddAttention,
        ["attention_head_dim"] = AttentionHeadDim,
        ["attn_norm_num_groups"] = AttnNormNumGroups,
        ["block_out_channels"] = HubFolder.Array(BlockOutChannels),
        ["center_input_sample"] = false,
        ["class_embed_type"] = null,
        ["down_block_types"] = HubFolder.Array(DownBlockTypes),
        ["downsample_padding"] = DownsamplePadding,
        ["downsample_type"] = "conv",
        ["dropout"] = Dropout,
        ["flip_sin_to_cos"] = FlipSinToCos,
        ["freq_shift"] = FreqShift,
        ["in_channels"] = InChannels,
        ["layers_per_block"] = LayersPerBlock,
        ["mid_block_scale_factor"] = MidBlockScaleFactor,
        ["mid_block_type"] = "UNetMidBlock2D",
        ["norm_eps"] = NormEps,
        ["norm_num_groups"] = NormNumGroups,
        ["num_class_embeds"] = NumClassEmbeds,
        ["num_train_timesteps"] = null,
        ["out_channels"] = OutChannels,
        ["resnet_time_scale_shift"] = TimeScaleShift ? "scale_shift" : "default",
        ["sample_size"] = SampleSize is not var (height, width) ? null : height == width ? height : HubFolder.Array([height, width]),
        ["time_embedding_dim"] = TimeEmbeddingDim,
        ["time_embedding_type"] = "positional",
        ["up_block_types"] = HubFolder.Array(UpBlockTypes),
        ["upsample_type"] = "conv",
    };

    internal static UNet2DConfig Read(JsonObject json, string file, List<string> problems)
    {
        var fields = new ConfigFields(json, file, problems);
        var defaults = new UNet2DConfig();
        fields.Only("_class_name", ClassName);
        fields.Choice("act_fn", "silu", "swish");
        fields.Only("center_input_sample", false);
        fields.Only("class_embed_type", null);
        fields.Only("downsample_type", "conv");
        fields.Only("mid_block_type", "UNetMidBlock2D");
        fields.Only("time_embedding_type", "positional");
        fields.Only("upsample_type", "conv");
        var config = new UNet2DConfig
        {
            SampleSize = fields.OptionalSize("sample_size"),
            InChannels = fields.Int("in_channels", defaults.InChannels),
            OutChannels = fields.Int("out_channels", defaults.OutChannels),
            TimeEmbeddingDim = fields.OptionalInt("time_embedding_dim", null),
            FreqShift = fields.Number("freq_shift", defaults.FreqShift, 0, 1),
            FlipSinToCos = fields.Flag("flip_sin_to_cos", defaults.FlipSinToCos),
            DownBlockTypes = fields.Words("down_block_types", [.. defaults.DownBlockTypes], [DownBlock, AttnDownBlock]),
            UpBlockTypes = fields.Words("up_block_types", [.. defaults.UpBlockTypes], [UpBlock, AttnUpBlock]),
            BlockOutChannels = fields.Ints("block_out_channels", [.. defaults.BlockOutChannels]),
            LayersPerBlock = fields.Int("layers_per_block", defaults.LayersPerBlock),
            MidBlockScaleFactor = fields.Number("mid_block_scale_factor", defaults.MidBlockScaleFactor, 1e-6, 1e6),
            DownsamplePadding = fields.Int("downsample_padding", defaults.DownsamplePadding, least: 0),
            Dropout = fields.Number("dropout", defaults.Dropout, 0, 1),
            AttentionHeadDim = fields.OptionalInt("attention_head_dim", defaults.AttentionHeadDim),
            NormNumGroups = fields.Int("norm_num_groups", defaults.NormNumGroups),
            AttnNormNumGroups = fields.OptionalInt("attn_norm_num_groups", null),
            NormEps = fields.Number("norm_eps", defaults.NormEps, 0, 1),
            TimeScaleShift = fields.Choice("resnet_time_scale_shift", "default", "scale_shift") == "scale_shift",
            AddAttention = fields.Flag("add_attention", defaults.AddAttention),
            NumClassEmbeds = fields.OptionalInt("num_class_embeds", null),
        };
        // The first is for another kind of time embedding; the others are notes of the averaging that made the weights.
        fields.Ignore("num_train_timesteps", "decay", "inv_gamma", "min_decay", "optimization_step", "power", "update_after_step", "use_ema_warmup");
        fields.RejectOthers();
        config.CheckConsistency(fields);
        return config;
    }

    private void CheckConsistency(ConfigFields fields)
    {
        var levels = BlockOutChannels.Count;
        if (DownBlockTypes.Count != levels || UpBlockTypes.Count != levels)
            fields.Problem(
                $"block_out_channels has {levels} levels, down_block_types {DownBlockTypes.Count} and up_block_types {UpBlockTypes.Count}; they must agree");
        if (DownsamplePadding > 1)
            fields.Problem($"downsample_padding is {DownsamplePadding}; supported is 0 or 1");
        if (BlockOutChannels[0] % 2 != 0)
            fields.Problem($"block_out_channels begins with {BlockOutChannels[0]}; the time embedding needs an even number");
        foreach (var channels in BlockOutChannels.Distinct())
        {
            if (channels % NormNumGroups != 0)
                fields.Problem($"block_out_channels holds {channels}, which is no multiple of norm_num_groups {NormNumGroups}");
            if (AttentionHeadDim is { } head && UsesAttention(channels) && channels % head != 0)
                fields.Problem($"block_out_channels holds {channels} at a level with attention, which is no multiple of attention_head_dim {head}");
        }
        if (AttnNormNumGroups is { } groups && BlockOutChannels[^1] % groups != 0)
            fields.Problem($"block_out_channels ends with {BlockOutChannels[^1]}, which is no multiple of attn_norm_num_groups {groups}");
    }

    private bool UsesAttention(int channels)
    {
        for (var level = 0; level < BlockOutChannels.Count; level++)
        {
            var attends = (level < DownBlockTypes.Count && DownBlockTypes[level] == AttnDownBlock)
                || (level < UpBlockTypes.Count && UpBlockTypes[^(level + 1)] == AttnUpBlock)
                || (AddAttention && level == BlockOutChannels.Count - 1);
            if (attends && BlockOutChannels[level] == channels)
                return true;
        }
        return false;
    }
}
