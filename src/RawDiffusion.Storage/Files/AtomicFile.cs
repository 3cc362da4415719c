namespace RawDiffusion.Storage;

/// <summary>Small files that are either the old or the new one, at any moment the program or the power may stop.</summary>
public static class AtomicFile
{
    private const string TemporarySuffix = ".tmp";

    /// <summary>Writes a file beside its final place, makes it durable, then renames it into place.</summary>
    /// <param name="fileSystem">Where to.</param>
    /// <param name="path">The final place; an existing file is replaced.</param>
    /// <param name="write">Writes the whole contents.</param>
    /// <exception cref="Core.StorageException">The file cannot be written; the old one is untouched.</exception>
    public static void Write(IFileSystem fileSystem, string path, Action<Stream> write)
    {
        string temporary = path + TemporarySuffix;
        try
        {
            if (File.Exists(temporary))
            {
                fileSystem.DeleteFile(temporary);
            }

            using (var file = fileSystem.Create(temporary))
            {
                write(file);
                fileSystem.Sync(file);
            }
            fileSystem.ReplaceFile(temporary, path);
            fileSystem.SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (Exception e) when (StorageFailure.Covers(e))
        {
            DeleteQuietly(fileSystem, temporary);
            throw StorageFailure.While($"write {path}", e);
        }
    }

    private static void DeleteQuietly(IFileSystem fileSystem, string path)
    {
        try
        {
            if (File.Exists(path))
            {
                fileSystem.DeleteFile(path);
            }
        }
        catch (Exception e) when (StorageFailure.Covers(e))
        {
            // The failure that led here is the one to report; the next write removes what is left.
        }
    }
}
