using System.Text.Json.Nodes;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// A model in the layout of today's model hub: <c>model_index.json</c>, <c>unet/config.json</c> with
/// <c>unet/diffusion_pytorch_model.safetensors</c>, and <c>scheduler/scheduler_config.json</c>; or the U-Net's files at the root,
/// as some published models have them.
/// </summary>
public sealed class HubFolder : IDisposable
{
    /// <summary>The version of the hub's reference implementation whose keys are written.</summary>
    internal const string FormatVersion = "0.32.0";

    private const string IndexName = "model_index.json";
    private const string ConfigName = "config.json";
    private const string SchedulerName = "scheduler_config.json";
    private const string WeightsName = "diffusion_pytorch_model.safetensors";

    private HubFolder(string path, UNet2DConfig unet, SchedulerConfig scheduler, HubWeights weights) =>
        (Path, UNet, Scheduler, Weights) = (path, unet, scheduler, weights);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The network's configuration.</summary>
    public UNet2DConfig UNet { get; }

    /// <summary>The noise schedule and sampler; the format's defaults where the folder has none.</summary>
    public SchedulerConfig Scheduler { get; }

    /// <summary>The network's weights.</summary>
    public HubWeights Weights { get; }

    /// <summary>Whether a folder holds a model in the hub's layout.</summary>
    public static bool IsHub(string path) =>
        File.Exists(System.IO.Path.Combine(path, IndexName))
        || File.Exists(System.IO.Path.Combine(path, "unet", ConfigName))
        || (File.Exists(System.IO.Path.Combine(path, ConfigName)) && JsonFile.Read(System.IO.Path.Combine(path, ConfigName)).ContainsKey("_class_name"));

    /// <summary>Opens a folder, or returns null where it holds no model in the hub's layout.</summary>
    /// <exception cref="ConfigurationException">It holds one that is not supported; the message lists everything that is not.</exception>
    /// <exception cref="StorageException">A file cannot be read or is damaged.</exception>
    public static HubFolder? TryOpen(string path)
    {
        if (!IsHub(path))
            return null;
        var unet = Directory.Exists(System.IO.Path.Combine(path, "unet")) ? System.IO.Path.Combine(path, "unet") : path;
        var problems = new List<string>();
        var configPath = System.IO.Path.Combine(unet, ConfigName);
        var config = UNet2DConfig.Read(JsonFile.Read(configPath), configPath, problems);
        string[] schedulerPaths = [System.IO.Path.Combine(path, "scheduler", SchedulerName), System.IO.Path.Combine(path, SchedulerName)];
        var scheduler = schedulerPaths.FirstOrDefault(File.Exists) is { } schedulerPath
            ? SchedulerConfig.Read(JsonFile.Read(schedulerPath), schedulerPath, problems)
            : new SchedulerConfig();
        ThrowIfAny(problems);
        return new HubFolder(path, config, scheduler, HubWeights.Open(WeightsIn(unet)));
    }

    /// <summary>Writes a model.</summary>
    /// <param name="path">The folder; made where missing. It must not hold a model yet.</param>
    /// <param name="unet">The network's configuration.</param>
    /// <param name="scheduler">The noise schedule and sampler.</param>
    /// <param name="weights">Every weight under its hub name, convolutions as [out, in, height, width].</param>
    /// <param name="fileSystem">Where to write; the machine's disk where null.</param>
    /// <exception cref="ConfigurationException">The folder holds a model or a run already.</exception>
    /// <exception cref="StorageException">The files cannot be written.</exception>
    public static void Write(string path, UNet2DConfig unet, SchedulerConfig scheduler, IReadOnlyList<TensorSource> weights, IFileSystem? fileSystem = null)
    {
        var files = fileSystem ?? DiskFileSystem.Instance;
        if (File.Exists(System.IO.Path.Combine(path, IndexName)) || File.Exists(System.IO.Path.Combine(path, ConfigName)))
            throw new ConfigurationException($"{path} holds a model or a run already. Choose another folder.");
        var unetPath = System.IO.Path.Combine(path, "unet");
        var schedulerPath = System.IO.Path.Combine(path, "scheduler");
        StorageFailure.Guard($"make the folder {path}", () =>
        {
            Directory.CreateDirectory(path);
            files.CreateFolder(unetPath);
            files.CreateFolder(schedulerPath);
        });
        AtomicFile.Write(files, System.IO.Path.Combine(unetPath, WeightsName), stream =>
            SafetensorsWriter.Write(stream, weights, new Dictionary<string, string> { ["format"] = "pt" }));
        WriteJson(files, System.IO.Path.Combine(unetPath, ConfigName), unet.ToJson());
        WriteJson(files, System.IO.Path.Combine(schedulerPath, SchedulerName), scheduler.ToJson());
        // The index last: a folder that has it is complete.
        WriteJson(files, System.IO.Path.Combine(path, IndexName), new JsonObject
        {
            ["_class_name"] = "DDPMPipeline",
            ["_diffusers_version"] = FormatVersion,
            ["scheduler"] = Array(["diffusers", "DDPMScheduler"]),
            ["unet"] = Array(["diffusers", "UNet2DModel"]),
        });
    }

    /// <inheritdoc/>
    public void Dispose() => Weights.Dispose();

    // One for each type, for JsonValue.Create<T> needs reflection, which trimmed and native executables lack.
    internal static JsonArray Array(IEnumerable<string> values) => new([.. values.Select(value => (JsonNode?)value)]);

    internal static JsonArray Array(IEnumerable<int> values) => new([.. values.Select(value => (JsonNode?)value)]);

    internal static JsonArray Array(IEnumerable<double> values) => new([.. values.Select(value => (JsonNode?)value)]);

    internal static void ThrowIfAny(List<string> problems)
    {
        if (problems.Count == 1)
            throw new ConfigurationException($"The model is not supported: {problems[0]}.");
        if (problems.Count > 1)
            throw new ConfigurationException($"The model is not supported, for {problems.Count} reasons:\n  {string.Join("\n  ", problems)}");
    }

    private static void WriteJson(IFileSystem files, string path, JsonObject json) =>
        AtomicFile.Write(files, path, stream => CheckpointWriter.WriteJson(stream, json));

    private static string WeightsIn(string unet)
    {
        var path = System.IO.Path.Combine(unet, WeightsName);
        if (File.Exists(path))
            return path;
        var others = Directory.GetFiles(unet, "diffusion_pytorch_model*").Select(System.IO.Path.GetFileName).Order().ToArray();
        var found = others.Length == 0 ? "" : $", only {string.Join(", ", others)}";
        throw new StorageException($"{unet} holds no {WeightsName}{found}. Save the model as one safetensors file.");
    }
}
