using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>The U-Net's configuration but for what the data decides: see <see cref="UNetConfig"/> for each key.</summary>
public sealed record NetworkConfig
{
    /// <summary>Channels of each level, largest image first.</summary>
    public IReadOnlyList<int> Channels { get; init; } = [32, 64, 64];

    /// <summary>Levels with attention, by their index, 0 for the largest image.</summary>
    public IReadOnlyList<int> AttentionLevels { get; init; } = [2];

    /// <summary>Residual blocks of a level on the way down.</summary>
    public int LayersPerBlock { get; init; } = 1;

    /// <summary>Whether the middle has attention.</summary>
    public bool MiddleAttention { get; init; } = true;

    /// <summary>Channels of an attention head; null for one head.</summary>
    public int? AttentionHeadDim { get; init; }

    /// <summary>Groups of every group norm.</summary>
    public int NormGroups { get; init; } = 32;

    /// <summary>ε of every group norm.</summary>
    public double NormEps { get; init; } = 1e-6;

    /// <summary>Whether the time embedding scales and shifts the second norm.</summary>
    public bool TimeScaleShift { get; init; }

    /// <summary>0 pads below and right only, 1 all round, in stride-2 convolutions.</summary>
    public int DownsamplePadding { get; init; }

    /// <summary>Whether cosines come first in the timestep embedding.</summary>
    public bool FlipSinToCos { get; init; }

    /// <summary>Subtracted from half the width in the embedding's frequencies.</summary>
    public double FreqShift { get; init; } = 1;

    /// <summary>Dropout rate while training.</summary>
    public double Dropout { get; init; }

    /// <summary>Whether the data's labels condition the network (<c>--conditional</c>).</summary>
    public bool Conditional { get; init; }

    /// <summary>A run folder, checkpoint or hub folder whose weights training starts from; its network replaces this section.</summary>
    public string? StartFrom { get; init; }

    /// <summary>Notes everything that is wrong by itself; what it makes of the data's images is in <see cref="UNetConfig.Problems"/>.</summary>
    public void Check(ConfigurationRules rules)
    {
        rules.Require(Channels.Count is >= 1 and <= 8, "network.channels", $"a list of {Channels.Count}", "a list of 1 to 8 levels");
        foreach (int channels in Channels.Where(channels => channels < 1).Distinct())
        {
            rules.AtLeast("network.channels' entry", channels, 1);
        }
        foreach (int level in AttentionLevels.Distinct())
        {
            rules.Require(Channels.Count == 0 || (level >= 0 && level < Channels.Count), "network.attention_levels' entry", level, $"a level from 0 to {Channels.Count - 1}");
        }
        rules.Require(double.IsFinite(FreqShift), "network.freq_shift", FreqShift, "a finite number");
    }
}
