using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>The files of a tar archive, gzipped or not. It is gone through from the start for the names and for each reading.</summary>
internal sealed class TarContainer : IContainer
{
    private const int HeaderBytes = 512, ChecksumAt = 148, ChecksumBytes = 8, MagicAt = 257;

    // The file that a link leads to, by the link's name; and what files without an image's name begin with.
    private readonly Dictionary<string, string> _targets = [];
    private readonly Dictionary<string, ContainerFile> _starts = [];

    /// <exception cref="DataException">The archive is damaged, or has files that are refused.</exception>
    public TarContainer(string path)
    {
        Path = path;
        var files = new List<string>();
        var folders = new List<string>();
        var links = new List<(string Name, string Target, string? Inside)>();
        var passedOver = new List<PassedOver>();
        foreach (var (name, entry) in Walk())
        {
            if (entry.EntryType is TarEntryType.Directory or TarEntryType.DirectoryList)
            {
                folders.Add(name);
            }
            else if (IsFile(entry))
            {
                files.Add(name);
                if (!ImageNames.IsImage(name))
                {
                    _starts[name] = Guard(name, () => entry.DataStream is null ? [] : ContainerNames.ReadStart(entry.DataStream));
                }
            }
            else if (entry.EntryType is TarEntryType.HardLink)
            {
                links.Add((name, entry.LinkName, ContainerNames.Inside(entry.LinkName)));
            }
            else if (entry.EntryType is TarEntryType.SymbolicLink)
            {
                links.Add((name, entry.LinkName, Resolve(name, entry.LinkName)));
            }
            else
            {
                passedOver.Add(new PassedOver(name, "no regular file", ImageNames.IsImage(name)));
            }
        }
        FollowLinks(files, links, passedOver);
        Listing = ContainerListing.Of(path, files, folders, passedOver);
    }

    public string Path { get; }

    public ContainerListing Listing { get; }

    /// <summary>Whether a file begins like a tar archive, of any age: its first header's checksum tells.</summary>
    public static bool IsTar(ReadOnlySpan<byte> start)
    {
        if (start.Length < HeaderBytes)
        {
            return false;
        }
        int sum = ChecksumBytes * ' ';
        for (int i = 0; i < HeaderBytes; i++)
        {
            sum += i is >= ChecksumAt and < ChecksumAt + ChecksumBytes ? 0 : start[i];
        }
        string digits = Encoding.ASCII.GetString(start.Slice(ChecksumAt, ChecksumBytes)).Trim(' ', '\0');
        return start[MagicAt..].StartsWith("ustar"u8)
            || (digits.Length > 0 && digits.All(digit => digit is >= '0' and <= '7') && Convert.ToInt32(digits, 8) == sum);
    }

    public IEnumerable<ContainerFile> Read(IReadOnlyCollection<string> names, long most)
    {
        var wanted = names.ToLookup(name => _targets.GetValueOrDefault(name, name), StringComparer.Ordinal);
        foreach (var (name, entry) in Walk())
        {
            if (IsFile(entry) && wanted.Contains(name))
            {
                var file = Guard(name, () => entry.DataStream is null ? [] : ContainerNames.ReadExactly(entry.DataStream, entry.Length, most));
                foreach (string asked in wanted[name])
                {
                    yield return file with { Name = asked };
                }
            }
        }
    }

    public ContainerFile ReadStart(string name) =>
        _starts.TryGetValue(_targets.GetValueOrDefault(name, name), out var start) ? start with { Name = name } : Read([name], ContainerNames.MaxImageBytes).Single();

    public void Dispose()
    {
    }

    // A link to a file anywhere in the archive stands for what it leads to.
    private void FollowLinks(List<string> files, List<(string Name, string Target, string? Inside)> links, List<PassedOver> passedOver)
    {
        var regular = files.ToHashSet(StringComparer.Ordinal);
        var next = links.ToLookup(link => link.Name, link => link.Inside, StringComparer.Ordinal);
        foreach (var (name, target, inside) in links)
        {
            string? end = inside;
            for (int hop = 0; hop < links.Count && end is not null && !regular.Contains(end) && next.Contains(end); hop++)
            {
                end = next[end].First();
            }
            if (end is not null && regular.Contains(end))
            {
                files.Add(name);
                _targets[name] = end;
            }
            else
            {
                bool isFolder = end is not null && regular.Any(file => file.StartsWith(end + "/", StringComparison.Ordinal));
                passedOver.Add(isFolder
                    ? new PassedOver($"{name}/", "a link to a folder that is read already")
                    : new PassedOver(name, $"a link to {target}, which is not in the archive", IsFault: ImageNames.IsImage(name)));
            }
        }
    }

    // What a symbolic link means is told from the folder that holds it.
    private static string? Resolve(string name, string target)
    {
        if (target.StartsWith('/'))
        {
            return null;
        }
        var parts = new List<string>(name.Split('/')[..^1]);
        foreach (string part in target.Split('/').Where(part => part is not ("" or ".")))
        {
            if (part != "..")
            {
                parts.Add(part);
            }
            else if (parts.Count > 0)
            {
                parts.RemoveAt(parts.Count - 1);
            }
            else
            {
                return null;
            }
        }
        return string.Join('/', parts);
    }

    private static bool IsFile(TarEntry entry) =>
        entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile;

    private static ContainerFile Guard(string name, Func<byte[]> read)
    {
        try
        {
            return new ContainerFile(name, read());
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
        while (Guard(() => reader.GetNextEntry()) is { } entry)
        {
            if (entry.EntryType is TarEntryType.Directory or TarEntryType.DirectoryList)
            {
                if (ContainerNames.Inside(entry.Name) is { } folder)
                {
                    yield return (folder, entry);
                }
            }
            else if (entry.EntryType is not TarEntryType.GlobalExtendedAttributes)
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
