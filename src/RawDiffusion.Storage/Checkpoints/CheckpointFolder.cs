using System.Globalization;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// The <c>checkpoints</c> folder of a run: one folder <c>step-NNNNNNN</c> for each saved step. A checkpoint is written beside its
/// final name and renamed when all of it is durable, so a folder of the final name is complete; nothing is ever overwritten.
/// </summary>
/// <param name="path">The folder; created by the first save.</param>
/// <param name="notice">Receives one-line messages about what was skipped or set aside.</param>
/// <param name="fileSystem">Where to write; the machine's disk where null.</param>
public sealed class CheckpointFolder(string path, Action<string>? notice = null, IFileSystem? fileSystem = null)
{
    private const string Prefix = "step-";
    private const string TemporarySuffix = ".tmp";
    private const string DamagedSuffix = ".damaged";

    private readonly IFileSystem _files = fileSystem ?? DiskFileSystem.Instance;
    private readonly Action<string> _notice = notice ?? (_ => { });

    /// <summary>The folder.</summary>
    public string Path { get; } = path;

    /// <summary>The saved steps, ascending. Whether the checkpoints are intact is not looked at.</summary>
    /// <exception cref="StorageException">The folder cannot be listed.</exception>
    public IReadOnlyList<long> Steps() => [.. Folders("*").Select(folder => StepOf(System.IO.Path.GetFileName(folder))).OfType<long>().Order()];

    /// <summary>The folder of a step's checkpoint, whether it exists or not.</summary>
    public string PathOf(long step) => System.IO.Path.Combine(Path, NameOf(step));

    /// <summary>Opens the newest checkpoint that is intact; each damaged one that is passed over is noticed by file and tensor.</summary>
    /// <returns>The checkpoint, to be disposed of; null where there is none.</returns>
    /// <exception cref="ConfigurationException">The newest one was written by a newer version of the program.</exception>
    public Checkpoint? FindNewest()
    {
        foreach (long step in Steps().Reverse())
        {
            try
            {
                return Checkpoint.Open(PathOf(step));
            }
            catch (StorageException e)
            {
                _notice($"Checkpoint {NameOf(step)} is not usable, falling back to the one before it. {e.Message}");
            }
        }
        return null;
    }

    /// <summary>Saves a checkpoint; when this returns it is durable.</summary>
    /// <param name="contents">What to save.</param>
    /// <param name="retention">Which older ones to keep; those before the new one only, deleted when the new one is in place.</param>
    /// <returns>The new checkpoint's folder.</returns>
    /// <exception cref="StorageException">It cannot be written, or an intact one of this step exists. All others are as they were.</exception>
    public string Save(CheckpointContents contents, CheckpointRetention retention)
    {
        string final = PathOf(contents.Step);
        string temporary = final + TemporarySuffix;
        try
        {
            if (!Directory.Exists(Path))
            {
                _files.CreateFolder(Path);
                _files.SyncFolder(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!);
            }
            DeleteTemporaries();
            if (Directory.Exists(final))
            {
                SetAsideDamaged(final);
            }

            new CheckpointWriter(_files, temporary).Write(contents);
            _files.RenameFolder(temporary, final);
        }
        catch (Exception e)
        {
            // Whatever went wrong, be it the disk or the device the values come from: half a checkpoint is of no use.
            Quietly(() => Delete(temporary));
            if (StorageFailure.Covers(e))
            {
                throw StorageFailure.While($"save the checkpoint of step {contents.Step}", e, "Earlier checkpoints are untouched.");
            }

            throw;
        }
        StorageFailure.Guard($"make the checkpoint {final} durable", () => _files.SyncFolder(Path));
        Prune(contents.Step, retention);
        return final;
    }

    /// <summary>Makes room for a step that is reached again after a fall-back past its damaged checkpoint.</summary>
    private void SetAsideDamaged(string folder)
    {
        try
        {
            Checkpoint.Open(folder).Dispose();
        }
        catch (StorageException e)
        {
            string aside = folder + DamagedSuffix;
            for (int i = 2; Directory.Exists(aside); i++)
            {
                aside = $"{folder}{DamagedSuffix}-{i}";
            }

            _files.RenameFolder(folder, aside);
            _notice($"Moved the damaged checkpoint {folder} aside to {aside}. {e.Message}");
            return;
        }
        throw new StorageException($"An intact checkpoint {folder} exists already, and checkpoints are never overwritten. Resume from it, or move it away.");
    }

    private void Prune(long newest, CheckpointRetention retention)
    {
        int age = 0;
        foreach (long step in Steps().Reverse().Where(step => step <= newest))
        {
            if (retention.Keeps(step, age++))
            {
                continue;
            }

            string folder = PathOf(step);
            // Renamed first, so that a deletion that is cut short leaves no folder that looks like a checkpoint.
            Quietly(() =>
            {
                _files.RenameFolder(folder, folder + TemporarySuffix);
                Delete(folder + TemporarySuffix);
            });
        }
    }

    private void DeleteTemporaries()
    {
        foreach (string folder in Folders(Prefix + "*" + TemporarySuffix))
        {
            Delete(folder);
        }
    }

    private void Delete(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return;
        }

        foreach (string file in Directory.GetFiles(folder))
        {
            _files.DeleteFile(file);
        }

        _files.DeleteFolder(folder);
    }

    private void Quietly(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (StorageFailure.Covers(e))
        {
            _notice($"Could not remove what is no longer needed: {e.Message}");
        }
    }

    private string[] Folders(string pattern)
    {
        string[] folders = [];
        StorageFailure.Guard($"list {Path}", () => folders = Directory.Exists(Path) ? Directory.GetDirectories(Path, pattern) : []);
        return folders;
    }

    private static string NameOf(long step) => Prefix + step.ToString("D7", CultureInfo.InvariantCulture);

    private static long? StepOf(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal)
        && long.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long step)
        && name == NameOf(step) ? step : null;
}
