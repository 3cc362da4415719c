using System.Text.Json.Nodes;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// The files of a model in the layout of Hugging Face diffusers: <c>model_index.json</c>, <c>unet/config.json</c> with
/// <c>unet/diffusion_pytorch_model.safetensors</c>, and <c>scheduler/scheduler_config.json</c>; or the U-Net's files at the root, as some
/// published models have them. What the configurations mean is not looked at here.
/// </summary>
public sealed class DiffusersFolder : IDisposable
{
    private const string IndexName = "model_index.json";
    private const string ConfigName = "config.json";
    private const string SchedulerName = "scheduler_config.json";

    private DiffusersWeights? _weights;

    private DiffusersFolder(string path, JsonFile? index, JsonFile unet, JsonFile? scheduler) => (Path, Index, UNet, Scheduler) = (path, index, unet, scheduler);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The pipeline's class and components: <c>model_index.json</c>; null where only the U-Net is there.</summary>
    public JsonFile? Index { get; }

    /// <summary>The network's configuration.</summary>
    public JsonFile UNet { get; }

    /// <summary>The noise schedule and sampler; null where the folder has none.</summary>
    public JsonFile? Scheduler { get; }

    /// <summary>The network's weights, opened when first asked for.</summary>
    /// <exception cref="StorageException">They are missing, cannot be read or are damaged.</exception>
    public DiffusersWeights Weights => _weights ??= DiffusersWeights.In(System.IO.Path.GetDirectoryName(UNet.Path)!);

    /// <summary>Whether a folder holds a model in this layout.</summary>
    public static bool IsModel(string path) =>
        File.Exists(System.IO.Path.Combine(path, IndexName))
        || File.Exists(System.IO.Path.Combine(path, "unet", ConfigName))
        || (File.Exists(System.IO.Path.Combine(path, ConfigName)) && JsonFile.Read(System.IO.Path.Combine(path, ConfigName)).Json.ContainsKey("_class_name"));

    /// <summary>Whether a folder has a noise schedule and sampler in this layout.</summary>
    public static bool HasScheduler(string path) => FindScheduler(path) is not null;

    /// <summary>Opens a folder, or returns null where it holds no model in this layout.</summary>
    /// <exception cref="ConfigurationException">A configuration is not valid JSON.</exception>
    /// <exception cref="StorageException">A file is missing or cannot be read.</exception>
    public static DiffusersFolder? TryOpen(string path)
    {
        if (!IsModel(path))
        {
            return null;
        }
        string indexPath = System.IO.Path.Combine(path, IndexName);
        var index = File.Exists(indexPath) ? JsonFile.Read(indexPath) : null;
        string[] configs = [System.IO.Path.Combine(path, "unet", ConfigName), System.IO.Path.Combine(path, ConfigName)];
        string config = configs.FirstOrDefault(File.Exists)
            ?? throw new StorageException($"{path} holds no network: there is no unet/{ConfigName}, but {Folders(path)}. Rename the folder that holds the " +
                $"network to unet, or complete the model.");
        var scheduler = FindScheduler(path) is { } file ? JsonFile.Read(file) : null;
        return new DiffusersFolder(path, index, JsonFile.Read(config), scheduler);
    }

    /// <summary>Writes a model.</summary>
    /// <param name="path">The folder; made where missing. It must not hold a model yet.</param>
    /// <param name="contents">What goes into it.</param>
    /// <param name="fileSystem">Where to write; the machine's disk where null.</param>
    /// <exception cref="ConfigurationException">The folder holds a model or a run already.</exception>
    /// <exception cref="StorageException">The files cannot be written.</exception>
    public static void Write(string path, DiffusersContents contents, IFileSystem? fileSystem = null)
    {
        var files = fileSystem ?? DiskFileSystem.Instance;
        if (File.Exists(System.IO.Path.Combine(path, IndexName)) || File.Exists(System.IO.Path.Combine(path, ConfigName)))
        {
            throw new ConfigurationException($"{path} holds a model or a run already. Choose another folder.");
        }
        string unet = System.IO.Path.Combine(path, "unet"), scheduler = System.IO.Path.Combine(path, "scheduler");
        StorageFailure.Guard($"make the folder {path}", () =>
        {
            Directory.CreateDirectory(path);
            files.CreateFolder(unet);
            files.CreateFolder(scheduler);
        });
        AtomicFile.Write(files, System.IO.Path.Combine(unet, DiffusersWeights.FileName), stream =>
            SafetensorsWriter.Write(stream, contents.Weights, new Dictionary<string, string> { ["format"] = "pt" }));
        WriteJson(System.IO.Path.Combine(unet, ConfigName), contents.UNet);
        WriteJson(System.IO.Path.Combine(scheduler, SchedulerName), contents.Scheduler);
        foreach (var (name, text) in contents.Texts)
        {
            AtomicFile.Write(files, System.IO.Path.Combine(path, name), stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
        }
        // The index last: a folder that has it is complete.
        WriteJson(System.IO.Path.Combine(path, IndexName), contents.Index);

        void WriteJson(string file, JsonObject json) => AtomicFile.Write(files, file, stream => CheckpointWriter.WriteJson(stream, json));
    }

    /// <inheritdoc/>
    public void Dispose() => _weights?.Dispose();

    private static string? FindScheduler(string path)
    {
        string[] places = [System.IO.Path.Combine(path, "scheduler", SchedulerName), System.IO.Path.Combine(path, SchedulerName)];
        return places.FirstOrDefault(File.Exists);
    }

    private static string Folders(string path)
    {
        string[] names = [.. Directory.GetDirectories(path).Select(folder => System.IO.Path.GetFileName(folder)!).Order(StringComparer.Ordinal)];
        return names.Length == 0 ? "no folder at all" : $"the folders {string.Join(", ", names)}";
    }
}
