using System.IO.Compression;
using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>The files of a zip archive.</summary>
internal sealed class ZipContainer : IContainer
{
    // The type of a file in the upper half of its attributes, as Unix has it.
    private const int TypeMask = 0xF000, LinkType = 0xA000;

    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = [];

    /// <exception cref="DataException">The archive is damaged, or has files that are refused.</exception>
    public ZipContainer(string path)
    {
        Path = path;
        try
        {
            _archive = ZipFile.OpenRead(path);
            var files = new List<string>();
            var passedOver = new List<PassedOver>();
            foreach (var entry in _archive.Entries.Where(entry => !IsFolder(entry)))
            {
                string name = ContainerNames.Normalise(path, entry.FullName);
                if (((entry.ExternalAttributes >> 16) & TypeMask) == LinkType)
                {
                    passedOver.Add(new PassedOver(name, "a link, which is not followed in a zip; pack it again without links", ImageNames.IsImage(name)));
                    continue;
                }
                files.Add(name);
                _entries[name] = entry;
            }
            Listing = ContainerListing.Of(path, files, _archive.Entries.Where(IsFolder).Select(entry => ContainerNames.Inside(entry.FullName)).OfType<string>(), passedOver);
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

    public ContainerListing Listing { get; }

    public IEnumerable<ContainerFile> Read(IReadOnlyCollection<string> names, long most) => names.Select(name => ReadFile(name, _entries[name], most));

    public ContainerFile ReadStart(string name) => Guard(name, _entries[name], (stream, _) => new ContainerFile(name, ContainerNames.ReadStart(stream)));

    public void Dispose() => _archive.Dispose();

    private static bool IsFolder(ZipArchiveEntry entry) => entry.FullName.EndsWith('/') || entry.FullName.EndsWith('\\');

    private static ContainerFile ReadFile(string name, ZipArchiveEntry entry, long most) => Guard(name, entry, (stream, entry) =>
    {
        byte[] bytes = ContainerNames.ReadExactly(stream, entry.Length, most);
        uint crc = Crc32.Of(bytes);
        return crc == entry.Crc32
            ? new ContainerFile(name, bytes)
            : new ContainerFile(name, [], $"it is damaged: its checksum is {crc:x8} instead of {entry.Crc32:x8}");
    });

    private static ContainerFile Guard(string name, ZipArchiveEntry entry, Func<Stream, ZipArchiveEntry, ContainerFile> read)
    {
        if (entry.IsEncrypted)
        {
            return new ContainerFile(name, [], "it is encrypted");
        }
        try
        {
            using var stream = entry.Open();
            return read(stream, entry);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or NotSupportedException)
        {
            return new ContainerFile(name, [], $"it cannot be unpacked ({e.Message})");
        }
    }
}
