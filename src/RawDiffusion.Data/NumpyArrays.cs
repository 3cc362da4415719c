using System.IO.Compression;
using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>The arrays in NumPy's archive (<c>.npz</c>, a zip of <c>.npy</c> files), or one <c>.npy</c> file with those beside it.</summary>
internal sealed class NumpyArrays : IDisposable
{
    // Deflate cannot unfold one byte to more than this many.
    private const long DeflateLimit = 1032;

    private readonly Dictionary<string, Stored> _stored = new(StringComparer.Ordinal);
    private readonly string _path;
    private ZipArchive? _archive;

    private NumpyArrays(string path) => _path = path;

    /// <summary>The arrays' names.</summary>
    public IReadOnlyCollection<string> Names => _stored.Keys;

    /// <summary>Opens an archive.</summary>
    /// <exception cref="DataException">It is damaged.</exception>
    public static NumpyArrays OpenArchive(string path)
    {
        var arrays = new NumpyArrays(path);
        try
        {
            arrays.Guard(path, () =>
            {
                arrays._archive = ZipFile.OpenRead(path);
                foreach (var entry in arrays._archive.Entries.Where(entry => entry.FullName.EndsWith(".npy", StringComparison.Ordinal)))
                {
                    if (!arrays._stored.TryAdd(entry.FullName[..^4], new Stored(entry.Open, entry.Length, entry.CompressedLength, entry)))
                    {
                        throw new DataException($"{path} holds {entry.FullName} twice; which of them counts is not clear. Save it again with numpy.savez.");
                    }
                }
                return 0;
            });
            return arrays;
        }
        catch
        {
            arrays.Dispose();
            throw;
        }
    }

    /// <summary>Opens a file and those <c>.npy</c> files that lie beside it.</summary>
    /// <exception cref="DataException">The folder cannot be listed.</exception>
    public static NumpyArrays OpenFile(string path)
    {
        var arrays = new NumpyArrays(path);
        return arrays.Guard(path, () =>
        {
            foreach (string file in Directory.EnumerateFiles(Path.GetDirectoryName(Path.GetFullPath(path))!, "*.npy").Append(path).Select(Path.GetFullPath))
            {
                long length = new FileInfo(file).Length;
                arrays._stored[Path.GetFileNameWithoutExtension(file)] = new Stored(() => File.OpenRead(file), length, length, null);
            }
            return arrays;
        });
    }

    /// <summary>What an array is, without its elements.</summary>
    /// <exception cref="DataException">It cannot be read.</exception>
    public NpyHeader Header(string name) => Guard(Label(name), () =>
    {
        using var stream = _stored[name].Open();
        byte[] start = new byte[Math.Min(NpyHeader.MaxLength, Math.Max(0, _stored[name].Length))];
        return NpyHeader.Parse(Label(name), start.AsSpan(0, stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)));
    });

    /// <summary>An array's elements, as they stand in the file.</summary>
    /// <param name="name">The array.</param>
    /// <param name="elementBytes">Bytes of an element.</param>
    /// <param name="memoryLimit">The most bytes it may have.</param>
    /// <exception cref="DataException">It is damaged, truncated or too large.</exception>
    public ReadOnlyMemory<byte> Elements(string name, int elementBytes, long memoryLimit)
    {
        byte[] file = Guard(Label(name), () => ReadAll(name, Math.Min(memoryLimit, Array.MaxLength)));
        var header = NpyHeader.Parse(Label(name), file);
        var promised = header.Count * elementBytes;
        return promised == file.Length - header.Length
            ? file.AsMemory(header.Length)
            : throw new DataException($"{Label(name)} is truncated or damaged: its header promises {header.Text}, {promised} bytes, but {file.Length - header.Length} follow.");
    }

    /// <summary>An array's name with the file's.</summary>
    public string Label(string name) => _archive is null ? Path.Combine(Path.GetDirectoryName(_path)!, name + ".npy") : $"{_path}: {name}";

    /// <inheritdoc/>
    public void Dispose() => _archive?.Dispose();

    private byte[] ReadAll(string name, long limit)
    {
        var stored = _stored[name];
        if (stored.Length > limit)
        {
            throw new DataException($"{Label(name)} has {stored.Length} bytes, more than the {limit} that are allowed in memory. Save a part of it, or smaller images.");
        }
        if (stored.Length < 0 || stored.Length > stored.Packed * DeflateLimit)
        {
            throw new DataException($"{Label(name)} is damaged: it is said to unpack from {stored.Packed} to {stored.Length} bytes. Save it again with numpy.savez.");
        }
        byte[] bytes = new byte[stored.Length];
        using var stream = stored.Open();
        int got = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (got < bytes.Length || stream.ReadByte() >= 0)
        {
            throw new DataException($"{Label(name)} is truncated or damaged: {(got < bytes.Length ? $"{got}" : "more than")} {bytes.Length} bytes are there. Save it again.");
        }
        if (stored.Entry is { } entry && Crc32.Of(bytes) is var crc && crc != entry.Crc32)
        {
            throw new DataException($"{Label(name)} is damaged: its checksum is {crc:x8} instead of {entry.Crc32:x8}. Fetch the file again.");
        }
        return bytes;
    }

    private T Guard<T>(string what, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new DataException($"{what} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>A stored file.</summary>
    private readonly record struct Stored(Func<Stream> Open, long Length, long Packed, ZipArchiveEntry? Entry);
}
