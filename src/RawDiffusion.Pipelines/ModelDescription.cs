using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Storage;

namespace RawDiffusion.Pipelines;

/// <summary>What a stored model says of itself: all that drawing from it needs.</summary>
public sealed partial record ModelDescription
{
    /// <summary>The version of the layout in which checkpoints store their configuration; a newer one is refused.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The network.</summary>
    public required UNetConfig Network { get; init; }

    /// <summary>Channels of an image. If not set, the fewer of what the network takes and what it answers.</summary>
    public int ImageChannels { get => field > 0 ? field : Math.Min(Network.InChannels, Network.OutChannels); init; }

    /// <summary>Whether the network's outputs besides the prediction are its variance.</summary>
    public bool LearnedVariance { get; init; }

    /// <summary>What the rows of its class embedding stand for.</summary>
    public required ClassRows Rows { get; init; }

    /// <summary>The process that it was trained on.</summary>
    public required DiffusionConfig Diffusion { get; init; }

    /// <summary>How its images are best drawn.</summary>
    public required SamplingConfig Sampling { get; init; }

    /// <summary>The data that it was trained on; null where that is not known.</summary>
    public DatasetInfo? Dataset { get; init; }

    /// <summary>Sentences for people: what is assumed for drawing where the files say nothing.</summary>
    public IReadOnlyList<string> Assumptions { get; init; } = [];

    /// <summary>What a checkpoint's state says of its network: <see cref="Of(Checkpoint)"/> reads it, beside the run's configuration under <c>config</c>.</summary>
    /// <param name="network">The network.</param>
    /// <param name="imageChannels">Channels of an image; said where the network takes or answers others.</param>
    public static JsonObject Describe(UNetConfig network, int imageChannels)
    {
        var state = new JsonObject
        {
            ["network"] = DiffusersUNet.ToJson(network),
            ["height"] = network.Height,
            ["width"] = network.Width,
        };
        if (network.InChannels != imageChannels || network.OutChannels != imageChannels)
        {
            state["image_channels"] = imageChannels;
        }
        return state;
    }

    /// <summary>The description in a checkpoint.</summary>
    /// <exception cref="StorageException">Something is missing or damaged.</exception>
    /// <exception cref="ConfigurationException">It was written by a newer version of the program.</exception>
    public static ModelDescription Of(Checkpoint checkpoint)
    {
        string source = Path.Combine(checkpoint.Path, "state.json");
        if (checkpoint.State["config"] is not JsonObject config || checkpoint.State["network"] is not JsonObject network ||
            checkpoint.State["height"] is not { } height || checkpoint.State["width"] is not { } width)
        {
            throw new StorageException($"{source} does not describe its network. It was not written by this program; use another checkpoint.");
        }
        if (config["format"] is JsonValue value && value.TryGetValue(out int format) && format > CurrentFormat)
        {
            throw new ConfigurationException($"{source} has format {format}, but this program knows formats up to {CurrentFormat}: it was written by a newer version, " +
                "use that one.");
        }
        var unet = DiffusersUNet.FromJson(network, source);
        var diffusion = Section(config, "diffusion", Json.Default.DiffusionConfig, source) ?? new();
        return new ModelDescription
        {
            Network = unet with { Height = height.GetValue<int>(), Width = width.GetValue<int>() },
            ImageChannels = checkpoint.State["image_channels"]?.GetValue<int>() ?? 0,
            Rows = ClassRows.Trained(unet.ClassEmbeddings, diffusion.LabelDropout),
            Diffusion = diffusion,
            Sampling = Section(config, "sampling", Json.Default.SamplingConfig, source) ?? new(),
            Dataset = Section(config, "dataset", Json.Default.DatasetInfo, source),
        };
    }

    private static T? Section<T>(JsonObject config, string name, JsonTypeInfo<T> type, string source) where T : class
    {
        try
        {
            return config[name]?.Deserialize(type);
        }
        catch (JsonException e)
        {
            throw new StorageException($"{source} holds a section config.{name} that cannot be read: {e.Message} Use another checkpoint.", e);
        }
    }

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true)]
    [JsonSerializable(typeof(DiffusionConfig))]
    [JsonSerializable(typeof(SamplingConfig))]
    [JsonSerializable(typeof(DatasetInfo))]
    private sealed partial class Json : JsonSerializerContext;
}
