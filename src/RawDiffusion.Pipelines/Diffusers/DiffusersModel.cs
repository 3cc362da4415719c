using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Models;
using RawDiffusion.Storage;

namespace RawDiffusion.Pipelines;

/// <summary>What a folder in the layout of diffusers says of its model; each value is followed, or refused by its name.</summary>
public sealed record DiffusersModel
{
    /// <summary>Pipelines that do nothing but let the scheduler and the U-Net take turns.</summary>
    private static readonly string[] _pipelines = ["DDPMPipeline", "DDIMPipeline", "PNDMPipeline", "DiffusionPipeline", ClassConditionalPipeline.ClassName];

    /// <summary>The network.</summary>
    public required UNetConfig Network { get; init; }

    /// <summary>The process and the sampler.</summary>
    public required DiffusersScheduler Scheduler { get; init; }

    /// <summary>The row of the class embedding that stands for no class; null where none does, or nothing is said.</summary>
    public int? NoClass { get; init; }

    /// <summary>Whether training dropped labels, so that the row of no class means something.</summary>
    public bool NoClassIsTrained { get; init; } = true;

    /// <summary>Sentences for people: what is assumed for drawing where the files say nothing.</summary>
    public IReadOnlyList<string> Assumptions { get; init; } = [];

    /// <summary>Reads a folder's configurations.</summary>
    /// <exception cref="ConfigurationException">Something in them is not supported; the message lists all that is not.</exception>
    public static DiffusersModel Of(DiffusersFolder folder)
    {
        var problems = new List<string>();
        var network = DiffusersUNet.Read(folder.UNet.Json, folder.UNet.Path, problems);
        var scheduler = folder.Scheduler is { } file ? DiffusersScheduler.Read(file.Json, file.Path, problems) : DiffusersScheduler.Default;
        var model = new DiffusersModel { Network = network, Scheduler = scheduler, Assumptions = [.. Assume(folder, network)] };
        if (folder.Index is { } index)
        {
            model = ReadIndex(model, new ConfigFields(index.Json, index.Path, problems), problems);
        }
        ThrowIfAny(problems);
        return model;
    }

    /// <summary>The files of a model but for its weights and texts.</summary>
    /// <param name="weights">Every weight under its name.</param>
    /// <param name="texts">Text files beside the index.</param>
    /// <exception cref="ConfigurationException">The format has no words for the process or the sampler.</exception>
    public DiffusersContents ToContents(IReadOnlyList<TensorSource> weights, IReadOnlyDictionary<string, string> texts)
    {
        var index = new JsonObject
        {
            ["_class_name"] = Scheduler.ClassName == "DDIMScheduler" ? "DDIMPipeline" : "DDPMPipeline",
            ["_diffusers_version"] = ConfigTable<UNetConfig>.FormatVersion,
            ["scheduler"] = new JsonArray("diffusers", Scheduler.ClassName),
            ["unet"] = new JsonArray("diffusers", DiffusersUNet.ClassName),
        };
        if (Network.ClassEmbeddings is not null)
        {
            index["_class_name"] = new JsonArray(ClassConditionalPipeline.Module, ClassConditionalPipeline.ClassName);
            index["eta"] = Scheduler.Sampling.Eta;
            index["guidance"] = NoClass is null || !NoClassIsTrained ? 1 : Scheduler.Sampling.Guidance;
            index["no_class"] = NoClass;
            index["no_class_trained"] = NoClassIsTrained;
            index["steps"] = Scheduler.Sampling.Steps;
        }
        return new DiffusersContents { Index = index, UNet = DiffusersUNet.ToJson(Network), Scheduler = Scheduler.ToJson(), Weights = weights, Texts = texts };
    }

    internal static void ThrowIfAny(List<string> problems)
    {
        if (problems.Count == 1)
        {
            throw new ConfigurationException($"The model is not supported: {problems[0]}.");
        }
        if (problems.Count > 1)
        {
            throw new ConfigurationException($"The model is not supported, for {problems.Count} reasons:\n  {string.Join("\n  ", problems)}");
        }
    }

    private static IEnumerable<string> Assume(DiffusersFolder folder, UNetConfig network)
    {
        if (folder.Scheduler is null)
        {
            string above = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder.Path))) ?? folder.Path;
            string remedy = DiffusersFolder.HasScheduler(above) ? $"{above} has one: name that folder to draw as it says." : "If the model was trained otherwise, put one there.";
            yield return $"{folder.Path} has no scheduler_config.json, so images are drawn as the defaults of {DiffusersScheduler.Default.ClassName} say (" +
                $"{DiffusersScheduler.Default.Diffusion.Timesteps:N0} timesteps, linear betas from {ConfigurationRules.Show(DiffusersScheduler.Default.Diffusion.BetaStart)} to " +
                $"{ConfigurationRules.Show(DiffusersScheduler.Default.Diffusion.BetaEnd)}, a network that predicts the noise). {remedy}";
        }
        if (folder.UNet.Json["sample_size"] is null)
        {
            yield return $"{folder.UNet.Path} has no sample_size, so images are drawn at {network.Height}×{network.Width}. To draw another size, put \"sample_size\" there: " +
                "a number, or a height and a width in a list.";
        }
    }

    private static DiffusersModel ReadIndex(DiffusersModel model, ConfigFields fields, List<string> problems)
    {
        string pipeline = fields.Json["_class_name"] switch
        {
            JsonArray names => names[^1]?.ToString() ?? "",
            var name => name?.ToString() ?? _pipelines[0],
        };
        int before = problems.Count;
        foreach (var (name, component) in fields.Json)
        {
            if (component is JsonArray { Count: 2 } and [_, { } type] && name is not ("unet" or "scheduler") && !name.StartsWith('_'))
            {
                fields.Problem($"the {pipeline} has a {name} ({type}) besides its network, which then draws no images but what that makes images of; its folder " +
                    $"unet can be opened by itself");
            }
        }
        if (problems.Count == before && !_pipelines.Contains(pipeline))
        {
            fields.Problem($"the pipeline is {pipeline}; supported is {string.Join(" or ", _pipelines)}; its folder unet can be opened by itself");
        }
        fields.Ignore(fields.Json.Where(component => component.Value is JsonArray).Select(component => component.Key));
        var sampling = model.Scheduler.Sampling;
        int? noClass = fields.OptionalInt("no_class", null, least: 0);
        if (noClass >= (model.Network.ClassEmbeddings ?? 0))
        {
            fields.Problem($"no_class is {noClass}, but the class embedding has {model.Network.ClassEmbeddings ?? 0} rows");
        }
        bool isTrained = fields.Flag("no_class_trained", true);
        sampling = sampling with
        {
            Eta = fields.Number("eta", sampling.Eta, 0, 1),
            Guidance = fields.Number("guidance", sampling.Guidance, 0, 1e6),
            Steps = fields.Int("steps", Math.Min(sampling.Steps, model.Scheduler.Diffusion.Timesteps)),
        };
        fields.RejectOthers(pipeline);
        return model with { NoClass = noClass, NoClassIsTrained = isTrained, Scheduler = model.Scheduler with { Sampling = sampling } };
    }
}
