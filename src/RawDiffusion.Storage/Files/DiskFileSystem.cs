using System.Runtime.InteropServices;

namespace RawDiffusion.Storage;

/// <summary>The machine's own file system.</summary>
public sealed partial class DiskFileSystem : IFileSystem
{
    private const int BufferBytes = 1 << 16;
    private const int InvalidArgument = 22;

    private DiskFileSystem()
    {
    }

    /// <summary>The one instance.</summary>
    public static DiskFileSystem Instance { get; } = new();

    /// <inheritdoc/>
    public void CreateFolder(string path) => Directory.CreateDirectory(path);

    /// <inheritdoc/>
    public Stream Create(string path) => new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, BufferBytes);

    /// <inheritdoc/>
    public Stream Append(string path)
    {
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        file.Seek(0, SeekOrigin.End);
        return file;
    }

    /// <inheritdoc/>
    public void Sync(Stream file) => ((FileStream)file).Flush(flushToDisk: true);

    /// <summary>
    /// Makes a folder's entries durable. The framework opens no folders, hence the C library. Windows has no such operation and
    /// orders its own metadata.
    /// </summary>
    /// <param name="path">The folder.</param>
    public void SyncFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int descriptor = Open(path, 0);
        if (descriptor < 0)
        {
            throw Failed(path);
        }

        try
        {
            // Some network file systems know no synchronisation of folders and say so; there is nothing better to do there.
            if (Sync(descriptor) != 0 && Marshal.GetLastPInvokeError() != InvalidArgument)
            {
                throw Failed(path);
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <inheritdoc/>
    public void RenameFolder(string from, string to) => Directory.Move(from, to);

    /// <inheritdoc/>
    public void ReplaceFile(string from, string to) => File.Move(from, to, overwrite: true);

    /// <inheritdoc/>
    public void DeleteFile(string path) => File.Delete(path);

    /// <inheritdoc/>
    public void DeleteFolder(string path) => Directory.Delete(path);

    private static IOException Failed(string path) => new($"{Marshal.GetLastPInvokeErrorMessage()} : '{path}'");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
