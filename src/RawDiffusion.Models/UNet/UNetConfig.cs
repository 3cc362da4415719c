using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>Everything that shapes the U-Net's arithmetic: the keys of the hub's <c>UNet2DModel</c> that this engine knows.</summary>
public sealed record UNetConfig
{
    /// <summary>Image rows that the network was made for; it runs at any multiple of <see cref="SizeMultiple"/>.</summary>
    public required int Height { get; init; }

    /// <summary>Image columns.</summary>
    public required int Width { get; init; }

    /// <summary>Channels of the noisy image.</summary>
    public required int InChannels { get; init; }

    /// <summary>Channels of the output.</summary>
    public required int OutChannels { get; init; }

    /// <summary>Channels of each level, largest image first.</summary>
    public required IReadOnlyList<int> BlockChannels { get; init; }

    /// <summary>Residual blocks of a level on the way down; one more on the way up.</summary>
    public int LayersPerBlock { get; init; } = 2;

    /// <summary>Which levels have attention on the way down.</summary>
    public required IReadOnlyList<bool> DownAttention { get; init; }

    /// <summary>Which levels have attention on the way up, largest image first, like <see cref="BlockChannels"/>.</summary>
    public required IReadOnlyList<bool> UpAttention { get; init; }

    /// <summary>Whether the middle has attention.</summary>
    public bool MiddleAttention { get; init; } = true;

    /// <summary>Channels of an attention head; null for one head.</summary>
    public int? AttentionHeadDim { get; init; }

    /// <summary>Groups of every group norm.</summary>
    public int NormGroups { get; init; } = 32;

    /// <summary>Groups of the middle attention's norm where they differ (<c>attn_norm_num_groups</c>).</summary>
    public int? AttentionNormGroups { get; init; }

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

    /// <summary>Width of the time embedding; four times the first level's channels if null.</summary>
    public int? TimeEmbeddingDim { get; init; }

    /// <summary>Rows of the class embedding, the "no class" row of classifier-free guidance counted in; null for no classes.</summary>
    public int? ClassEmbeddings { get; init; }

    /// <summary>Dropout rate within residual blocks while training.</summary>
    public double Dropout { get; init; }

    /// <summary>What the middle's residual sums are divided by (<c>mid_block_scale_factor</c>).</summary>
    public double MiddleScale { get; init; } = 1;

    /// <summary>Rows and columns must be multiples of this: every level but the last halves them.</summary>
    public int SizeMultiple => 1 << (BlockChannels.Count - 1);

    /// <summary>The time embedding's width.</summary>
    public int EmbeddingWidth => TimeEmbeddingDim ?? 4 * BlockChannels[0];

    /// <summary>
    /// The groups of the middle attention's norm, or null where the hub's network has no such norm: it leaves it out when the time
    /// embedding scales and shifts and <see cref="AttentionNormGroups"/> is not set.
    /// </summary>
    public int? MiddleAttentionNormGroups => AttentionNormGroups ?? (TimeScaleShift ? null : NormGroups);

    /// <summary>Everything that is wrong with this configuration, each as one sentence; empty if nothing is.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        void Require(bool condition, string problem)
        {
            if (!condition)
            {
                problems.Add(problem);
            }
        }
        int levels = BlockChannels.Count;
        Require(levels is >= 1 and <= 8, $"the network has {levels} levels; 1 to 8 are possible");
        Require(DownAttention.Count == levels && UpAttention.Count == levels,
            $"attention is given for {DownAttention.Count} levels down and {UpAttention.Count} up, but there are {levels} levels");
        Require(LayersPerBlock >= 1, $"layers per block is {LayersPerBlock}; it must be at least 1");
        Require(InChannels >= 1 && OutChannels >= 1, $"channels in and out are {InChannels} and {OutChannels}; both must be at least 1");
        Require(NormGroups >= 1, $"norm groups is {NormGroups}; it must be at least 1");
        Require(double.IsFinite(NormEps) && NormEps > 0, $"norm eps is {NormEps}; it must be above 0");
        Require(Dropout is >= 0 and < 1, $"dropout is {Dropout}; it must be in [0, 1)");
        Require(DownsamplePadding is 0 or 1, $"downsample padding is {DownsamplePadding}; it must be 0 or 1");
        Require(ClassEmbeddings is null or >= 1, $"class embeddings is {ClassEmbeddings}; it must be at least 1");
        Require(AttentionHeadDim is null or >= 1, $"attention head dim is {AttentionHeadDim}; it must be at least 1");
        Require(double.IsFinite(MiddleScale) && MiddleScale != 0, $"the middle's scale is {MiddleScale}; it must be a number other than 0");
        if (levels is >= 1 and <= 8)
        {
            Require(Height >= 1 && Height % SizeMultiple == 0, $"the height {Height} is no multiple of {SizeMultiple}, which {levels} levels ask for");
            Require(Width >= 1 && Width % SizeMultiple == 0, $"the width {Width} is no multiple of {SizeMultiple}, which {levels} levels ask for");
            Require(BlockChannels[0] % 2 == 0 && BlockChannels[0] / 2 > FreqShift,
                $"the first level's channels {BlockChannels[0]} must be even and above {2 * FreqShift} for the timestep embedding");
        }
        foreach (int channels in BlockChannels.Distinct())
        {
            Require(channels >= 1 && (NormGroups < 1 || channels % NormGroups == 0), $"channels {channels} is no multiple of the {NormGroups} norm groups");
            Require(AttentionHeadDim is null or < 1 || channels % AttentionHeadDim == 0, $"channels {channels} is no multiple of the attention head dim {AttentionHeadDim}");
        }
        // On the way up a block's first norm sees its input and the skip side by side.
        if (problems.Count == 0)
        {
            foreach (var (input, _) in UpWidths())
            {
                Require(input % NormGroups == 0, $"{input} concatenated channels on the way up are no multiple of the {NormGroups} norm groups");
            }
        }
        return problems;
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
}
