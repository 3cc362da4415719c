using System.Formats.Tar;
using System.IO.Compression;
using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>The files of a tar archive, gzipped or not. It is gone through from the start for the names and for each reading.</summary>
internal sealed class TarContainer : IContainer
{
    /// <exception cref="DataException">The archive is damaged, or has files that are refused.</exception>
    public TarContainer(string path)
    {
        Path = path;
        var names = new List<string>();
        foreach (var (name, entry) in Walk())
        {
            if (entry.EntryType is TarEntryType.SymbolicLink or TarEntryType.HardLink
                or TarEntryType.CharacterDevice or TarEntryType.BlockDevice or TarEntryType.Fifo)
            {
                throw new DataException($"{path}: {name} is a link or a device; only regular files are read from an archive. "
                    + "Pack it again with tar --dereference.");
            }
            if (IsFile(entry) && !ContainerNames.IsHidden(name))
            {
                names.Add(name);
            }
        }
        Names = ContainerNames.Sort(path, names);
    }

    public string Path { get; }

    public IReadOnlyList<string> Names { get; }

    public IEnumerable<ContainerFile> Read(IReadOnlyCollection<string> names)
    {
        var wanted = names.ToHashSet(StringComparer.Ordinal);
        foreach (var (name, entry) in Walk())
        {
            if (IsFile(entry) && wanted.Contains(name))
            {
                yield return ReadFile(name, entry);
            }
        }
    }

    public void Dispose()
    {
    }

    private static bool IsFile(TarEntry entry) =>
        entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile;

    private static ContainerFile ReadFile(string name, TarEntry entry)
    {
        try
        {
            return new ContainerFile(name, entry.DataStream is null ? [] : ContainerNames.ReadExactly(entry.DataStream, entry.Length));
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return new ContainerFile(name, [], $"it cannot be unpacked ({e.Message})");
        }
    }

    private IEnumerable<(string Name, TarEntry Entry)> Walk()
    {
        using var file = Guard(() => File.OpenRead(Path));
        using var tar = IsGzip(file) ? new GZipStream(file, CompressionMode.Decompress) : (Stream)file;
        using var reader = new TarReader(tar);
        long unpacked = 0;
        while (Guard(() => reader.GetNextEntry()) is { } entry)
        {
            unpacked += entry.Length;
            ContainerNames.CheckRatio(Path, entry.Name, file.Length, unpacked);
            if (entry.EntryType is not (TarEntryType.Directory or TarEntryType.DirectoryList or TarEntryType.GlobalExtendedAttributes))
            {
                yield return (ContainerNames.Normalise(Path, entry.Name), entry);
            }
        }
    }

    private static bool IsGzip(FileStream file)
    {
        bool gzip = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
        file.Position = 0;
        return gzip;
    }

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is InvalidDataException or IOException or FormatException or ArgumentException
            or NotSupportedException or UnauthorizedAccessException or OverflowException)
        {
            throw new DataException($"{Path} cannot be read as a tar archive: {e.Message}", e);
        }
    }
}
