using System.Text.Json.Serialization;
using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>
/// Everything that shapes the U-Net's arithmetic. What the data decides (sides, channels, rows of the class embedding) is filled in by
/// <see cref="FittedTo"/> or <see cref="For"/>; the rest is the section <c>network</c> of a run's configuration.
/// </summary>
public sealed record UNetConfig
{
    private const int MostLevels = 8;

    /// <summary>Channels of each level, largest image first.</summary>
    [JsonPropertyName("channels")]
    public IReadOnlyList<int> BlockChannels { get; init; } = [32, 64, 64];

    /// <summary>Levels with attention, by their index, 0 for the largest image; on the way down only where <see cref="UpAttentionLevels"/> says otherwise of the way up.</summary>
    public IReadOnlyList<int> AttentionLevels { get; init; } = [2];

    /// <summary>Residual blocks of a level on the way down; one more on the way up.</summary>
    public int LayersPerBlock { get; init; } = 1;

    /// <summary>Whether the middle has attention.</summary>
    public bool MiddleAttention { get; init; } = true;

    /// <summary>Channels of an attention head; null for one head.</summary>
    public int? AttentionHeadDim { get; init; }

    /// <summary>Groups of every group norm.</summary>
    public int NormGroups { get; init; } = 32;

    /// <summary>ε of every group norm.</summary>
    public double NormEps { get; init; } = 1e-6;

    /// <summary>Whether the time embedding scales and shifts the second norm (<c>scale_shift</c>) instead of being added before it.</summary>
    public bool TimeScaleShift { get; init; }

    /// <summary>0 pads below and on the right only, 1 pads all round, in the stride-2 convolutions.</summary>
    public int DownsamplePadding { get; init; }

    /// <summary>Whether the cosines come first in the timestep embedding.</summary>
    public bool FlipSinToCos { get; init; }

    /// <summary>Subtracted from half the width in the embedding's frequencies.</summary>
    public double FreqShift { get; init; } = 1;

    /// <summary>Dropout rate within residual blocks while training.</summary>
    public double Dropout { get; init; }

    /// <summary>Image rows that the network was made for; it runs at any multiple of <see cref="SizeMultiple"/>. The data decides.</summary>
    [JsonIgnore]
    public int Height { get; init; }

    /// <summary>Image columns. The data decides.</summary>
    [JsonIgnore]
    public int Width { get; init; }

    /// <summary>Channels of the input: the noisy image's, and those of what conditions it. The data decides.</summary>
    [JsonIgnore]
    public int InChannels { get; init; }

    /// <summary>Channels of the output: the image's, or twice as many where the variance is learned. The data decides.</summary>
    [JsonIgnore]
    public int OutChannels { get; init; }

    /// <summary>Rows of the class embedding, a "no class" row of classifier-free guidance counted in; null for no classes. The data decides.</summary>
    [JsonIgnore]
    public int? ClassEmbeddings { get; init; }

    /// <summary>Levels with attention on the way up, where they are others than <see cref="AttentionLevels"/>.</summary>
    [JsonIgnore]
    public IReadOnlyList<int>? UpAttentionLevels { get; init; }

    /// <summary>Groups of the middle attention's norm where they differ (<c>attn_norm_num_groups</c>).</summary>
    [JsonIgnore]
    public int? AttentionNormGroups { get; init; }

    /// <summary>Width of the time embedding; four times the first level's channels if null.</summary>
    [JsonIgnore]
    public int? TimeEmbeddingDim { get; init; }

    /// <summary>What the middle's residual sums are divided by (<c>mid_block_scale_factor</c>).</summary>
    [JsonIgnore]
    public double MiddleScale { get; init; } = 1;

    /// <summary>Rows and columns must be multiples of this: every level but the last halves them.</summary>
    [JsonIgnore]
    public int SizeMultiple => 1 << Math.Clamp(BlockChannels.Count - 1, 0, MostLevels);

    /// <summary>The time embedding's width.</summary>
    [JsonIgnore]
    public int EmbeddingWidth => TimeEmbeddingDim ?? 4 * BlockChannels[0];

    /// <summary>
    /// The groups of the middle attention's norm, or null where diffusers' network has no such norm: it leaves it out when the time
    /// embedding scales and shifts and <see cref="AttentionNormGroups"/> is not set.
    /// </summary>
    [JsonIgnore]
    public int? MiddleAttentionNormGroups => AttentionNormGroups ?? (TimeScaleShift ? null : NormGroups);

    /// <summary>
    /// A network for images, of a size that learns within minutes: levels down to about 8×8, the first with 32 channels, attention at the last.
    /// Change what you like with <c>with</c>.
    /// </summary>
    /// <param name="height">Rows; the network's are rounded up to a multiple of <see cref="SizeMultiple"/>.</param>
    /// <param name="width">Columns, likewise.</param>
    /// <param name="channels">Channels of an image.</param>
    /// <param name="classes">The number of classes that condition the network, which gets a row for "no class" besides; 0 for none.</param>
    public static UNetConfig For(int height, int width, int channels, int classes = 0)
    {
        int levels = 1;
        while (levels < 6 && Math.Max(height, width) > 8 << (levels - 1))
        {
            levels++;
        }
        var network = new UNetConfig
        {
            BlockChannels = [.. Enumerable.Range(0, levels).Select(level => level == 0 ? 32 : level < 3 ? 64 : 128)],
            AttentionLevels = [levels - 1],
        };
        return network.FittedTo(height, width, channels, classes > 0 ? classes + 1 : null);
    }

    /// <summary>This network for the images of a data set.</summary>
    /// <param name="height">Rows; the network's are rounded up to a multiple of <see cref="SizeMultiple"/>.</param>
    /// <param name="width">Columns, likewise.</param>
    /// <param name="channels">Channels of an image.</param>
    /// <param name="classEmbeddings">Rows of the class embedding; null for no classes.</param>
    public UNetConfig FittedTo(int height, int width, int channels, int? classEmbeddings) => this with
    {
        Height = RoundUp(height, SizeMultiple),
        Width = RoundUp(width, SizeMultiple),
        InChannels = channels,
        OutChannels = channels,
        ClassEmbeddings = classEmbeddings,
    };

    /// <summary>Whether a level has attention on the way down.</summary>
    public bool DownAttention(int level) => AttentionLevels.Contains(level);

    /// <summary>Whether a level has attention on the way up.</summary>
    public bool UpAttention(int level) => (UpAttentionLevels ?? AttentionLevels).Contains(level);

    /// <summary>Notes everything that is wrong whatever the data is.</summary>
    public void Check(ConfigurationRules rules)
    {
        int levels = BlockChannels.Count, before = rules.Problems.Count;
        rules.Require(levels is >= 1 and <= MostLevels, "network.channels", $"a list of {levels}", $"a list of 1 to {MostLevels} levels");
        foreach (int channels in BlockChannels.Where(channels => channels < 1).Distinct())
        {
            rules.AtLeast("network.channels' entry", channels, 1);
        }
        foreach (int level in AttentionLevels.Concat(UpAttentionLevels ?? []).Distinct())
        {
            rules.Require(levels == 0 || (level >= 0 && level < levels), "network.attention_levels' entry", level, $"a level from 0 to {levels - 1}");
        }
        rules.AtLeast("network.layers_per_block", LayersPerBlock, 1);
        rules.Require(AttentionHeadDim is null or >= 1, "network.attention_head_dim", AttentionHeadDim, "null or at least 1");
        rules.AtLeast("network.norm_groups", NormGroups, 1);
        rules.Require(double.IsFinite(NormEps) && NormEps > 0, "network.norm_eps", NormEps, "above 0");
        rules.Require(DownsamplePadding is 0 or 1, "network.downsample_padding", DownsamplePadding, "0 or 1");
        rules.Require(double.IsFinite(FreqShift), "network.freq_shift", FreqShift, "a finite number");
        rules.Require(Dropout is >= 0 and < 1, "network.dropout", Dropout, "at least 0 and below 1");
        rules.Require(double.IsFinite(MiddleScale) && MiddleScale != 0, "network.middle_scale", MiddleScale, "a number other than 0");
        if (rules.Problems.Count == before)
        {
            CheckChannels(rules);
        }
    }

    /// <summary>Everything that is wrong with this configuration; empty if nothing is.</summary>
    public IReadOnlyList<ConfigurationProblem> Problems()
    {
        var rules = new ConfigurationRules();
        Check(rules);
        rules.AtLeast("network.in_channels", InChannels, 1);
        rules.AtLeast("network.out_channels", OutChannels, 1);
        rules.Require(ClassEmbeddings is null or >= 1, "network.class_embeddings", ClassEmbeddings, "null or at least 1");
        foreach (var (side, pixels) in ((string, int)[])[("height", Height), ("width", Width)])
        {
            if (BlockChannels.Count is >= 1 and <= MostLevels && (pixels < 1 || pixels % SizeMultiple != 0))
            {
                rules.Add(new($"network.{side}", $"{pixels}", $"a multiple of {SizeMultiple}")
                {
                    Words = $"the {side} {pixels} is no multiple of {SizeMultiple}, which {BlockChannels.Count} levels ask for",
                });
            }
        }
        return rules.Problems;
    }

    /// <summary>The least multiple of <paramref name="multiple"/> that is not below <paramref name="size"/>: the side that a network needs for an image of this size.</summary>
    public static int RoundUp(int size, int multiple) => (size + multiple - 1) / multiple * multiple;

    /// <summary>Throws if there are <see cref="Problems"/>.</summary>
    /// <exception cref="ConfigurationException">Names all of them.</exception>
    public UNetConfig Validated()
    {
        var problems = Problems();
        return problems.Count == 0 ? this : throw new ConfigurationException("The network cannot be built: " + string.Join("; ", problems) + ".");
    }

    /// <summary>Input and output channels of every residual block on the way up, in the order they run: [h, skip] are concatenated.</summary>
    public IEnumerable<(int Input, int Output)> UpWidths()
    {
        var skips = new Stack<int>([BlockChannels[0]]);
        for (int level = 0; level < BlockChannels.Count; level++)
        {
            int pushed = LayersPerBlock + (level < BlockChannels.Count - 1 ? 1 : 0);
            for (int i = 0; i < pushed; i++)
            {
                skips.Push(BlockChannels[level]);
            }
        }
        int channels = BlockChannels[^1];
        for (int level = BlockChannels.Count - 1; level >= 0; level--)
        {
            for (int i = 0; i <= LayersPerBlock; i++)
            {
                yield return (channels + skips.Pop(), BlockChannels[level]);
                channels = BlockChannels[level];
            }
        }
    }

    /// <summary>What must hold between the numbers, each of which is right by itself.</summary>
    private void CheckChannels(ConfigurationRules rules)
    {
        void Require(bool condition, string key, string words)
        {
            if (!condition)
            {
                rules.Add(new(key, "", "") { Words = words });
            }
        }
        Require(
            BlockChannels[0] % 2 == 0 && BlockChannels[0] / 2 > FreqShift, "network.channels",
            $"the first level's channels {BlockChannels[0]} must be even and above {ConfigurationRules.Show(2 * FreqShift)} for the timestep embedding");
        foreach (int channels in BlockChannels.Distinct())
        {
            Require(channels % NormGroups == 0, "network.norm_groups", $"channels {channels} is no multiple of the {NormGroups} norm groups");
        }
        foreach (int channels in BlockChannels.Where((_, level) => DownAttention(level) || UpAttention(level) || (MiddleAttention && level == BlockChannels.Count - 1)).Distinct())
        {
            Require(AttentionHeadDim is null || channels % AttentionHeadDim == 0, "network.attention_head_dim", $"channels {channels} of a level with attention " +
                $"is no multiple of the attention head dim {AttentionHeadDim}");
        }
        Require(
            AttentionNormGroups is null || (AttentionNormGroups >= 1 && BlockChannels[^1] % AttentionNormGroups == 0), "network.attention_norm_groups",
            $"channels {BlockChannels[^1]} of the middle is no multiple of the {AttentionNormGroups} groups of its attention's norm");
    }
}
