using RawDiffusion.Core;
using RawDiffusion.Models;
using RawDiffusion.Storage;

namespace RawDiffusion.Pipelines;

/// <summary>Which weights of a checkpoint to use.</summary>
public enum WeightsChoice
{
    /// <summary>The moving average: the usual choice.</summary>
    Ema,

    /// <summary>The weights as training left them.</summary>
    Raw,
}

/// <summary>A model from a run folder, a checkpoint or a folder of diffusers, on a device: it describes itself, nothing has to be repeated.</summary>
public sealed class LoadedModel : IDisposable
{
    private LoadedModel(ModelDescription description, UNet network, ParameterSet parameters, string text)
    {
        (Description, Parameters, Text) = (description, parameters, text);
        var (height, width) = description.Dataset is { } data ? (data.Height, data.Width) : (network.Config.Height, network.Config.Width);
        Model = new GenerativeModel(network, parameters.Values.Device, description.Diffusion.Process(), height, width)
        {
            Channels = description.ImageChannels,
            LearnedVariance = description.LearnedVariance,
            Rows = description.Rows,
        };
    }

    /// <summary>The network with its process.</summary>
    public GenerativeModel Model { get; }

    /// <summary>Its weights.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>What its files say of it.</summary>
    public ModelDescription Description { get; }

    /// <summary>The training step of its checkpoint; null where it is of none.</summary>
    public long? Step { get; private set; }

    /// <summary>One line for people.</summary>
    public string Text { get; }

    /// <summary>The names of the classes, where they are known.</summary>
    public IReadOnlyList<string> ClassNames => Description.Dataset?.ClassNames ?? [];

    /// <summary>Opens a model.</summary>
    /// <param name="path">A run folder (its newest intact checkpoint), a checkpoint or a folder of diffusers.</param>
    /// <param name="device">Where to put it.</param>
    /// <param name="weights">Which weights; a folder of diffusers has but one.</param>
    /// <param name="notice">Receives a line about each damaged checkpoint that was passed over, and about weights that are not stored as usual.</param>
    /// <exception cref="ConfigurationException">The path is no model, or one that is not supported: lists all that is not.</exception>
    /// <exception cref="StorageException">It is damaged.</exception>
    public static LoadedModel Open(string path, Device device, WeightsChoice weights = WeightsChoice.Ema, Action<string>? notice = null)
    {
        using var location = ModelLocation.Resolve(path, notice);
        return location.Diffusers is { } folder ? FromDiffusers(folder, device, notice) : FromCheckpoint(location.Checkpoint!, device, weights);
    }

    /// <inheritdoc/>
    public void Dispose() => Parameters.Dispose();

    private static LoadedModel FromDiffusers(DiffusersFolder folder, Device device, Action<string>? notice)
    {
        var model = DiffusersModel.Of(folder);
        var description = new ModelDescription
        {
            Network = model.Network,
            LearnedVariance = model.Scheduler.LearnedVariance,
            Diffusion = model.Scheduler.Diffusion,
            Sampling = model.Scheduler.Sampling,
            Rows = new ClassRows(model.Network.ClassEmbeddings ?? 0, model.NoClass, model.NoClassIsTrained),
            Assumptions = model.Assumptions,
        };
        foreach (string note in folder.Weights.Notes)
        {
            notice?.Invoke(note);
        }
        return Loaded(description, device, count => $"diffusers model {folder.Path}, {count:N0} parameters", parameters => ParameterFiles.Load(folder, parameters));
    }

    private static LoadedModel FromCheckpoint(Checkpoint checkpoint, Device device, WeightsChoice weights)
    {
        bool average = weights == WeightsChoice.Ema;
        var loaded = Loaded(
            ModelDescription.Of(checkpoint), device,
            count => $"{checkpoint.Path}, {(average ? "moving average" : "raw weights")} of step {checkpoint.Step:N0}, {count:N0} parameters",
            parameters => ParameterFiles.Load(checkpoint, average ? "ema.safetensors" : "weights.safetensors", parameters, parameters.Values));
        loaded.Step = checkpoint.Step;
        return loaded;
    }

    /// <summary>A model with its weights; nothing is left behind where they cannot be loaded.</summary>
    private static LoadedModel Loaded(ModelDescription description, Device device, Func<long, string> text, Action<ParameterSet> load)
    {
        var network = new UNet(description.Network);
        var parameters = new ParameterSet(network.Parameters, device, training: false);
        try
        {
            load(parameters);
            return new LoadedModel(description, network, parameters, text(parameters.Count));
        }
        catch
        {
            parameters.Dispose();
            throw;
        }
    }
}
