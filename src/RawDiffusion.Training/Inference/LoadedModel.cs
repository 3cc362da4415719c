using RawDiffusion.Core;
using RawDiffusion.Models;
using RawDiffusion.Training.Configuration;
using RawDiffusion.Storage;

namespace RawDiffusion.Training.Inference;

/// <summary>Which weights of a checkpoint to use.</summary>
public enum WeightsChoice
{
    /// <summary>The moving average: the usual choice.</summary>
    Ema,

    /// <summary>The weights as training left them.</summary>
    Raw,
}

/// <summary>A model from a run folder, a checkpoint or a hub folder, on a device: it describes itself, nothing has to be repeated.</summary>
public sealed class LoadedModel : IDisposable
{
    private LoadedModel(GenerativeModel model, ParameterSet parameters, RunConfig config, string description) =>
        (Model, Parameters, Config, Description) = (model, parameters, config, description);

    /// <summary>The network with its process.</summary>
    public GenerativeModel Model { get; }

    /// <summary>Its weights.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>How it was trained; for a hub folder, what its files say.</summary>
    public RunConfig Config { get; }

    /// <summary>One line for people.</summary>
    public string Description { get; }

    /// <summary>The names of the classes, where they are known.</summary>
    public IReadOnlyList<string> ClassNames => Config.Dataset?.ClassNames ?? [];

    /// <summary>Opens a model.</summary>
    /// <param name="path">A run folder (its newest intact checkpoint), a checkpoint or a hub folder.</param>
    /// <param name="device">Where to put it.</param>
    /// <param name="weights">Which weights; a hub folder has but one.</param>
    /// <param name="notice">Receives a line about each damaged checkpoint that was passed over, and about what cannot be done as the model asks.</param>
    /// <exception cref="ConfigurationException">The path is no model.</exception>
    /// <exception cref="StorageException">It is damaged.</exception>
    public static LoadedModel Open(string path, Device device, WeightsChoice weights = WeightsChoice.Ema, Action<string>? notice = null)
    {
        using var location = ModelLocation.Resolve(path, notice);
        return location.Hub is { } hub ? FromHub(hub, device, notice) : FromCheckpoint(location.Checkpoint!, device, weights);
    }

    /// <summary>Fills a set's weights from a model that has the same network.</summary>
    internal static void CopyWeights(string path, ParameterSet parameters)
    {
        using var location = ModelLocation.Resolve(path);
        if (location.Hub is { } hub)
        {
            LoadHubWeights(hub, parameters);
        }
        else
        {
            Load(location.Checkpoint!, "ema.safetensors", parameters, parameters.Values);
        }
    }

    /// <summary>Fills an arena from one of a checkpoint's files.</summary>
    internal static void Load(Checkpoint checkpoint, string file, ParameterSet parameters, Tensor arena, string prefix = "")
    {
        var reader = checkpoint.Tensors(file);
        ParameterFiles.Load(parameters, arena, reader.Names, name => reader.Entry(name).Shape, reader.ReadFloats, reader.Path, prefix);
    }

    /// <inheritdoc/>
    public void Dispose() => Parameters.Dispose();

    private static LoadedModel FromHub(HubFolder hub, Device device, Action<string>? notice)
    {
        if (hub.Scheduler.Thresholding || (hub.Scheduler.ClipSample && hub.Scheduler.ClipSampleRange != 1))
        {
            notice?.Invoke($"{hub.Path} asks for dynamic thresholding or a clipping range other than 1, which this program does not do: its samples will differ from the hub's.");
        }
        var network = new UNet(NetworkMapping.FromHub(hub.UNet));
        var parameters = new ParameterSet(network.Parameters, device, training: false);
        LoadHubWeights(hub, parameters);
        var config = new RunConfig
        {
            Preset = "hub",
            Diffusion = NetworkMapping.FromHub(hub.Scheduler),
            Sampling = new() { Variance = hub.Scheduler.VarianceType == "fixed_large" ? "fixed_large" : "fixed_small", Clip = hub.Scheduler.ClipSample },
        };
        var model = new GenerativeModel(network, device, config.Diffusion, network.Config.Height, network.Config.Width);
        return new LoadedModel(model, parameters, config, $"hub model {hub.Path}, {parameters.Count:N0} parameters");
    }

    private static LoadedModel FromCheckpoint(Checkpoint checkpoint, Device device, WeightsChoice weights)
    {
        var (config, networkConfig) = NetworkMapping.ReadDescription(checkpoint);
        var network = new UNet(networkConfig);
        var parameters = new ParameterSet(network.Parameters, device, training: false);
        Load(checkpoint, weights == WeightsChoice.Ema ? "ema.safetensors" : "weights.safetensors", parameters, parameters.Values);
        var model = new GenerativeModel(network, device, config.Diffusion, config.Dataset?.Height ?? networkConfig.Height, config.Dataset?.Width ?? networkConfig.Width);
        string which = weights == WeightsChoice.Ema ? "moving average" : "raw weights";
        return new LoadedModel(model, parameters, config, $"{checkpoint.Path}, {which} of step {checkpoint.Step:N0}, {parameters.Count:N0} parameters");
    }

    private static void LoadHubWeights(HubFolder hub, ParameterSet parameters) =>
        ParameterFiles.Load(parameters, parameters.Values, hub.Weights.Names, hub.Weights.ShapeOf, hub.Weights.ReadFloats, hub.Weights.Path);
}
