using System.Text.Json.Nodes;

namespace RawDiffusion.Storage;

/// <summary>What a folder in diffusers' layout is filled with.</summary>
public sealed record DiffusersContents
{
    /// <summary>The pipeline: <c>model_index.json</c>.</summary>
    public required JsonObject Index { get; init; }

    /// <summary>The network's configuration: <c>unet/config.json</c>.</summary>
    public required JsonObject UNet { get; init; }

    /// <summary>The noise schedule and sampler: <c>scheduler/scheduler_config.json</c>.</summary>
    public required JsonObject Scheduler { get; init; }

    /// <summary>Every weight under its name, convolutions as [out, in, height, width].</summary>
    public required IReadOnlyList<TensorSource> Weights { get; init; }

    /// <summary>Text files beside the index, by their names.</summary>
    public IReadOnlyDictionary<string, string> Texts { get; init; } = new Dictionary<string, string>();
}
