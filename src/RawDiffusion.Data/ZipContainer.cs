using System.IO.Compression;
using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>The files of a zip archive.</summary>
internal sealed class ZipContainer : IContainer
{
    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = [];

    /// <exception cref="DataException">The archive is damaged, or has files that are refused.</exception>
    public ZipContainer(string path)
    {
        Path = path;
        try
        {
            _archive = ZipFile.OpenRead(path);
            var files = _archive.Entries.Where(entry => !entry.FullName.EndsWith('/') && !entry.FullName.EndsWith('\\'))
                .Select(entry => (Name: ContainerNames.Normalise(path, entry.FullName), Entry: entry))
                .Where(file => !ContainerNames.IsHidden(file.Name)).ToArray();
            Names = ContainerNames.Sort(path, files.Select(file => file.Name));
            foreach (var (name, entry) in files)
            {
                ContainerNames.CheckRatio(path, name, entry.CompressedLength, entry.Length);
                _entries.Add(name, entry);
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            _archive?.Dispose();
            throw new DataException($"{path} cannot be read as a zip archive: {e.Message}", e);
        }
        catch (DataException)
        {
            _archive?.Dispose();
            throw;
        }
    }

    public string Path { get; }

    public IReadOnlyList<string> Names { get; }

    public IEnumerable<ContainerFile> Read(IReadOnlyCollection<string> names) => names.Select(name => ReadFile(name, _entries[name]));

    public void Dispose() => _archive.Dispose();

    private static ContainerFile ReadFile(string name, ZipArchiveEntry entry)
    {
        if (entry.IsEncrypted)
        {
            return new ContainerFile(name, [], "it is encrypted");
        }
        try
        {
            using var stream = entry.Open();
            byte[] bytes = ContainerNames.ReadExactly(stream, entry.Length);
            uint crc = Crc32.Of(bytes);
            return crc == entry.Crc32
                ? new ContainerFile(name, bytes)
                : new ContainerFile(name, [], $"it is damaged: its checksum is {crc:x8} instead of {entry.Crc32:x8}");
        }
        catch (Exception e) when (e is InvalidDataException or IOException or NotSupportedException)
        {
            return new ContainerFile(name, [], $"it cannot be unpacked ({e.Message})");
        }
    }
}
