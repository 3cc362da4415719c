using System.Globalization;
using System.Text.Json.Nodes;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// A run's folder, held for training: no other process can train in it until this is disposed of.
/// It holds <c>config.json</c>, <c>metrics.jsonl</c>, <c>samples/</c> and <c>checkpoints/</c>.
/// </summary>
public sealed class RunFolder : IDisposable
{
    private const string ConfigName = "config.json";
    private const string MetricsName = "metrics.jsonl";
    private const string SamplesName = "samples";
    private const string CheckpointsName = "checkpoints";

    private readonly IFileSystem _files;
    private readonly RunLock _lock;

    private RunFolder(string path, RunLock held, Action<string> notice, IFileSystem files)
    {
        (Path, _lock, _files) = (path, held, files);
        Checkpoints = new CheckpointFolder(System.IO.Path.Combine(path, CheckpointsName), notice, files);
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The resolved configuration's file.</summary>
    public string ConfigPath => System.IO.Path.Combine(Path, ConfigName);

    /// <summary>The file of logged steps; see <see cref="MetricsLog"/>.</summary>
    public string MetricsPath => System.IO.Path.Combine(Path, MetricsName);

    /// <summary>The folder of sample pictures.</summary>
    public string SamplesPath => System.IO.Path.Combine(Path, SamplesName);

    /// <summary>The saved checkpoints.</summary>
    public CheckpointFolder Checkpoints { get; }

    /// <summary>The picture of the samples drawn at a step.</summary>
    public string SamplePath(long step) => System.IO.Path.Combine(SamplesPath, $"step-{step.ToString("D7", CultureInfo.InvariantCulture)}.png");

    /// <summary>Whether a folder holds a run.</summary>
    public static bool IsRun(string path) =>
        Directory.Exists(System.IO.Path.Combine(path, CheckpointsName))
        || File.Exists(System.IO.Path.Combine(path, MetricsName))
        || (File.Exists(System.IO.Path.Combine(path, ConfigName)) && !DiffusersFolder.IsModel(path));

    /// <summary>The checkpoints of a run folder, for reading; the run may be in training meanwhile.</summary>
    public static CheckpointFolder CheckpointsOf(string path, Action<string>? notice = null) =>
        new(System.IO.Path.Combine(path, CheckpointsName), notice);

    /// <summary>The folder of a run folder's sample pictures; the run may be in training meanwhile.</summary>
    public static string SamplesOf(string path) => System.IO.Path.Combine(path, SamplesName);

    /// <summary>The file of logged steps of a run folder, for reading.</summary>
    public static string MetricsOf(string path) => System.IO.Path.Combine(path, MetricsName);

    /// <summary>Whether a process is training in a run folder now.</summary>
    public static bool IsInTraining(string path) => RunLock.IsHeld(path);

    /// <summary>Makes a folder for a new run.</summary>
    /// <param name="path">The folder; null for the next free number under <paramref name="root"/>, such as <c>runs/0001-shapes</c>.</param>
    /// <param name="name">What follows the number, such as the preset's name.</param>
    /// <param name="notice">Receives one-line messages.</param>
    /// <param name="root">Where numbered runs lie.</param>
    /// <param name="fileSystem">Where to write; the machine's disk where null.</param>
    /// <exception cref="ConfigurationException">The folder holds a run already.</exception>
    /// <exception cref="StorageException">The folder cannot be made or written to, or another process is using it.</exception>
    public static RunFolder Create(string? path, string name, Action<string>? notice = null, string root = "runs", IFileSystem? fileSystem = null)
    {
        var files = fileSystem ?? DiskFileSystem.Instance;
        notice ??= _ => { };
        if (path is not null)
        {
            MakeFolder(path, files);
            var held = RunLock.TryAcquire(path, notice) ?? throw InUse(path);
            if (!IsRun(path))
            {
                return New(path, held, notice, files);
            }

            held.Dispose();
            throw new ConfigurationException(CheckpointsOf(path).Steps().Count > 0
                ? $"{path} holds a run already. Choose another folder, or resume that run."
                : $"{path} holds a run already, one that ended before its first checkpoint and cannot be resumed. Choose another folder, or remove this one.");
        }
        // Another process may take the same number between the look and the lock: then the next one is tried.
        for (int number = NextNumber(root); ; number++)
        {
            string numbered = System.IO.Path.Combine(root, $"{number.ToString("D4", CultureInfo.InvariantCulture)}-{name}");
            MakeFolder(numbered, files);
            if (RunLock.TryAcquire(numbered, notice) is not { } held)
            {
                continue;
            }

            if (!IsRun(numbered))
            {
                return New(numbered, held, notice, files);
            }

            held.Dispose();
        }
    }

    /// <summary>Opens an existing run's folder to train on.</summary>
    /// <param name="path">The run folder.</param>
    /// <param name="notice">Receives one-line messages.</param>
    /// <param name="fileSystem">Where to write; the machine's disk where null.</param>
    /// <exception cref="ConfigurationException">The folder holds no run.</exception>
    /// <exception cref="StorageException">The folder cannot be written to, or another process is training in it.</exception>
    public static RunFolder Resume(string path, Action<string>? notice = null, IFileSystem? fileSystem = null)
    {
        notice ??= _ => { };
        if (!File.Exists(System.IO.Path.Combine(path, ConfigName)) || !IsRun(path))
        {
            string found = Directory.Exists(path) ? $"it holds no {ConfigName} of a run" : "it does not exist";
            throw new ConfigurationException($"{path} is no run folder: {found}. Name a folder that `rawdiffusion train` made.");
        }
        var held = RunLock.TryAcquire(path, notice) ?? throw InUse(path);
        return New(path, held, notice, fileSystem ?? DiskFileSystem.Instance);
    }

    /// <summary>Writes the configuration, replacing an earlier one atomically.</summary>
    /// <exception cref="StorageException">It cannot be written.</exception>
    public void WriteConfig(JsonObject config) => AtomicFile.Write(_files, ConfigPath, stream => CheckpointWriter.WriteJson(stream, config));

    /// <summary>Reads the configuration of a run.</summary>
    /// <exception cref="StorageException">It cannot be read.</exception>
    /// <exception cref="ConfigurationException">It is no JSON object.</exception>
    public static JsonObject ReadConfig(string path) => JsonFile.Read(System.IO.Path.Combine(path, ConfigName)).Json;

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    private static RunFolder New(string path, RunLock held, Action<string> notice, IFileSystem files)
    {
        try
        {
            var run = new RunFolder(path, held, notice, files);
            MakeFolder(run.SamplesPath, files);
            return run;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private static void MakeFolder(string path, IFileSystem files) => StorageFailure.Guard($"make the folder {path}", () =>
    {
        if (Directory.Exists(path))
        {
            return;
        }

        string parent = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        MakeFolder(parent, files);
        files.CreateFolder(path);
        files.SyncFolder(parent);
    });

    private static int NextNumber(string root)
    {
        int last = 0;
        if (Directory.Exists(root))
        {
            foreach (string folder in Directory.EnumerateDirectories(root))
            {
                char[] digits = System.IO.Path.GetFileName(folder).TakeWhile(char.IsAsciiDigit).ToArray();
                if (int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                {
                    last = Math.Max(last, number);
                }
            }
        }
        return last + 1;
    }

    private static StorageException InUse(string path)
    {
        string who = RunLock.Holder(path) is { } pid ? $" (pid {pid})" : "";
        return new StorageException($"{path} is being trained by another process{who}. Wait for it, stop it, or choose another folder.");
    }
}
