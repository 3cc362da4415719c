using System.Text.Json.Serialization;
using RawDiffusion.Data;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;

namespace RawDiffusion.Training.Configuration;

/// <summary>
/// All of a run's configuration, resolved: what <c>config.json</c> holds (with snake_case keys), what <c>--set section.key=value</c> names.
/// With it, the data and the seed, a run can be repeated to the bit.
/// </summary>
public sealed record RunConfig
{
    /// <summary>The version of this layout; a newer one is refused.</summary>
    public const int CurrentFormat = ModelDescription.CurrentFormat;

    /// <summary>See <see cref="CurrentFormat"/>.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>The preset that the defaults came from.</summary>
    public string Preset { get; init; } = "shapes";

    /// <summary>Training steps in total.</summary>
    public long Steps { get; init; } = 2000;

    /// <summary>Images per step.</summary>
    public int Batch { get; init; } = 32;

    /// <summary>The seed of everything random.</summary>
    public ulong Seed { get; init; }

    /// <summary>Steps between checkpoints; the last step is always saved.</summary>
    public long SaveEvery { get; init; } = 500;

    /// <summary>Steps between sample grids; the last step always draws one; 0 draws none before.</summary>
    public long SampleEvery { get; init; } = 500;

    /// <summary>Steps between logged lines.</summary>
    public long LogEvery { get; init; } = 10;

    /// <summary>Checkpoints kept: the newest ones.</summary>
    public int KeepCheckpoints { get; init; } = 3;

    /// <summary>Where the images come from.</summary>
    public DataConfig Data { get; init; } = new();

    /// <summary>The U-Net, but for what the data decides.</summary>
    public UNetConfig Network { get; init; } = new();

    /// <summary>Whether the data's labels condition the network. It is written beside the network's keys.</summary>
    [JsonPropertyName("network.conditional")]
    public bool Conditional { get; init; }

    /// <summary>A run folder, checkpoint or folder of diffusers whose weights training starts from; its network replaces the section. Written there, too.</summary>
    [JsonPropertyName("network.start_from")]
    public string? StartFrom { get; init; }

    /// <summary>The diffusion process and its loss.</summary>
    public DiffusionConfig Diffusion { get; init; } = new();

    /// <summary>Adam, learning rate and moving average.</summary>
    public OptimizerConfig Optimizer { get; init; } = new();

    /// <summary>How sample grids are drawn, and the defaults of <c>sample</c>.</summary>
    public SamplingConfig Sampling { get; init; } = new();

    /// <summary>Where it runs.</summary>
    public DeviceConfig Device { get; init; } = new();

    /// <summary>What the data turned out to be: written by the program, never read from a user.</summary>
    public DatasetInfo? Dataset { get; init; }
}
