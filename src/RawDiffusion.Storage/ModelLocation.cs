using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// What the command line's MODEL stands for. Exactly one of the two is not null.
/// </summary>
/// <param name="Checkpoint">The checkpoint, where a run folder or one of its checkpoints was named.</param>
/// <param name="Diffusers">The model, where a folder of diffusers was named.</param>
public sealed record ModelLocation(Checkpoint? Checkpoint, DiffusersFolder? Diffusers) : IDisposable
{
    private const string Accepted =
        "A model is a run folder, one of its checkpoints (checkpoints/step-NNNNNNN), or a folder in the layout of diffusers (model_index.json and unet/).";

    /// <summary>Opens what a path names: a run folder's newest intact checkpoint, a checkpoint, or a folder of diffusers.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="notice">Receives a line for each damaged checkpoint of a run that is passed over.</param>
    /// <exception cref="ConfigurationException">The path names none of these, or a configuration is no valid JSON.</exception>
    /// <exception cref="StorageException">The named checkpoint is damaged, or the run has none that is intact.</exception>
    public static ModelLocation Resolve(string path, Action<string>? notice = null)
    {
        if (File.Exists(path))
        {
            throw new ConfigurationException($"{path} is a file. {Accepted}");
        }

        if (!Directory.Exists(path))
        {
            throw new ConfigurationException($"{path} does not exist. {Accepted}");
        }

        if (File.Exists(Path.Combine(path, CheckpointManifest.FileName)) || IsCheckpointName(path))
        {
            return new ModelLocation(Checkpoint.Open(path), null);
        }

        if (DiffusersFolder.TryOpen(path) is { } folder)
        {
            return new ModelLocation(null, folder);
        }

        if (!RunFolder.IsRun(path))
        {
            throw new ConfigurationException($"{path} is no model: it holds {Contents(path)}. {Accepted}");
        }

        var checkpoints = RunFolder.CheckpointsOf(path, notice);
        return new ModelLocation(checkpoints.FindNewest() ?? throw NoCheckpoint(path, checkpoints.Steps().Count), null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Checkpoint?.Dispose();
        Diffusers?.Dispose();
    }

    /// <summary>A checkpoint that lost its manifest should be reported as damaged, not as something else.</summary>
    private static bool IsCheckpointName(string path) =>
        Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))).StartsWith("step-", StringComparison.Ordinal);

    private static StorageException NoCheckpoint(string path, int damaged) => new(damaged == 0
        ? $"The run {path} has no checkpoint yet. Train it until the first is saved."
        : $"None of the {damaged} checkpoints of the run {path} is intact.");

    private static string Contents(string path)
    {
        string[] names = Directory.EnumerateFileSystemEntries(path).Select(entry => Path.GetFileName(entry)!).Order(StringComparer.Ordinal).Take(6).ToArray();
        return names.Length switch
        {
            0 => "nothing",
            6 => string.Join(", ", names[..5]) + " and more",
            _ => string.Join(", ", names),
        };
    }
}
