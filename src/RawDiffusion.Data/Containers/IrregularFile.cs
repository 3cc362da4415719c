using System.Formats.Tar;

namespace RawDiffusion.Data;

/// <summary>Tells pipes, sockets and devices from files: whoever opens one of those may wait for ever.</summary>
internal static class IrregularFile
{
    /// <summary>What is at a path if it is no regular file; null if it is one, or is not there.</summary>
    public static string? Describe(string path)
    {
        FileSystemInfo file = new FileInfo(path);
        if (OperatingSystem.IsWindows())
        {
            return null;
        }
        if (file.LinkTarget is { } target)
        {
            file = file.ResolveLinkTarget(returnFinalTarget: true)!;
            if (!file.Exists)
            {
                return $"a link to {target}, which is not there";
            }
        }
        // All others have no length.
        return file is FileInfo { Exists: true, Length: 0 } ? DescribeEmpty(file.FullName) : null;
    }

    // What packs an archive has to know what a file is before opening it, and is the only part of the platform that tells.
    private static string? DescribeEmpty(string path)
    {
        using var packed = new MemoryStream();
        try
        {
            using (var writer = new TarWriter(packed, leaveOpen: true))
            {
                writer.WriteEntry(path, "file");
            }
            packed.Position = 0;
            using var reader = new TarReader(packed);
            return reader.GetNextEntry()?.EntryType switch
            {
                TarEntryType.Fifo => "a pipe",
                TarEntryType.CharacterDevice or TarEntryType.BlockDevice => "a device",
                _ => null,
            };
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
        catch (IOException)
        {
            return File.Exists(path) ? "a socket" : null;
        }
    }
}
