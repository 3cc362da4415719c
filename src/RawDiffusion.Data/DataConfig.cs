using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>The data set and how it is read.</summary>
public sealed record DataConfig
{
    /// <summary>A file or folder; null draws the built-in shapes.</summary>
    public string? Path { get; init; }

    /// <summary>Whether each image is mirrored left to right half of the time.</summary>
    public bool Flip { get; init; }

    /// <summary>Whether unreadable images are skipped and counted instead of failing the run.</summary>
    public bool Lenient { get; init; }

    /// <summary>Crops and scales every image to this size: a number for rows and columns, or a list of the two; null takes them as they are, all of one size.</summary>
    public ImageSize? Resize { get; init; }

    /// <summary>1 makes images grey, 3 makes them RGB; null takes what the data has.</summary>
    public int? Channels { get; init; }

    /// <summary>Notes everything that is wrong.</summary>
    public void Check(ConfigurationRules rules)
    {
        rules.Require(Path is null || Path.Trim().Length > 0, "data.path", "empty", "a file or folder, or null for the built-in shapes");
        rules.Require(
            Resize is null or { Height: >= 1 and <= Image.MaxSide, Width: >= 1 and <= Image.MaxSide }, "data.resize", Resize,
            $"1 to {Image.MaxSide}, a height and a width in a list, or null");
        rules.Require(Channels is null or 1 or 3, "data.channels", Channels, "1 (grey), 3 (RGB) or null");
    }
}
