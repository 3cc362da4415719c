namespace RawDiffusion.Storage;

/// <summary>
/// Every operation by which a run folder changes. Reading goes to the disk directly; writing goes through here, so that a test can
/// stop the program at each operation, refuse one, or forget what was not yet made durable.
/// </summary>
public interface IFileSystem
{
    /// <summary>Creates a folder whose parent exists; nothing happens where it is there already.</summary>
    void CreateFolder(string path);

    /// <summary>Creates a file for writing.</summary>
    /// <exception cref="IOException">The file exists.</exception>
    Stream Create(string path);

    /// <summary>Opens a file for reading and writing, creating it where missing, positioned at its end.</summary>
    Stream Append(string path);

    /// <summary>Makes a file's contents durable: on return they survive a loss of power.</summary>
    void Sync(Stream file);

    /// <summary>Makes a folder's entries (what was created, renamed or deleted in it) durable.</summary>
    void SyncFolder(string path);

    /// <summary>Renames a folder; the new name must be free.</summary>
    void RenameFolder(string from, string to);

    /// <summary>Renames a file over another one, atomically.</summary>
    void ReplaceFile(string from, string to);

    /// <summary>Deletes a file.</summary>
    void DeleteFile(string path);

    /// <summary>Deletes an empty folder.</summary>
    void DeleteFolder(string path);
}
