using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>The rules for the names and sizes of files inside an archive.</summary>
internal static class ContainerNames
{
    /// <summary>The longest file that is read into memory.</summary>
    public const long MaxFileBytes = 1L << 30;

    // Images and IDX files are packed to a tenth at the utmost; a bomb is packed to a thousandth.
    private const long MaxRatio = 200, RatioMatters = 1L << 20;

    /// <summary>The name with forward slashes and no leading "./".</summary>
    /// <exception cref="DataException">It points outside the archive.</exception>
    public static string Normalise(string archive, string name)
    {
        string[] parts = [.. name.Replace('\\', '/').Split('/').SkipWhile(part => part == ".")];
        return parts.Length > 0 && !parts.Contains("..") && parts[0].Length > 0 && !parts[0].EndsWith(':')
            ? string.Join('/', parts)
            : throw new DataException($"{archive} holds a file named \"{name}\", which points outside the archive. Nothing is "
                + "read from such an archive; pack it again with relative names.");
    }

    /// <summary>True for what systems leave behind: names that begin with a dot, Mac resource folders, thumbnail databases.</summary>
    public static bool IsHidden(string name) =>
        name.Split('/').Any(part => part.StartsWith('.') || part is "__MACOSX" or "Thumbs.db" or "desktop.ini");

    /// <summary>Refuses a file that unpacks to far more than images do.</summary>
    public static void CheckRatio(string archive, string name, long packed, long unpacked)
    {
        if (unpacked > RatioMatters && unpacked > packed * MaxRatio)
        {
            throw new DataException($"{archive}: {name} unpacks from {packed} to {unpacked} bytes, more than {MaxRatio} times as "
                + "many. That is a decompression bomb, not an image set.");
        }
    }

    /// <summary>The names in ordinal order.</summary>
    /// <exception cref="DataException">A name comes twice.</exception>
    public static IReadOnlyList<string> Sort(string archive, IEnumerable<string> names)
    {
        string[] sorted = names.ToArray();
        Array.Sort(sorted, StringComparer.Ordinal);
        for (int i = 1; i < sorted.Length; i++)
        {
            if (sorted[i] == sorted[i - 1])
            {
                throw new DataException($"{archive} holds {sorted[i]} twice; which of them counts is not clear. Pack it again.");
            }
        }
        return sorted;
    }

    /// <summary>Reads exactly so many bytes.</summary>
    /// <exception cref="InvalidDataException">The stream is shorter, or longer.</exception>
    public static byte[] ReadExactly(Stream stream, long length)
    {
        if (length > MaxFileBytes)
        {
            throw new InvalidDataException($"the file has {length} bytes; up to {MaxFileBytes} are read");
        }
        byte[] bytes = new byte[length];
        int got = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return got < length ? throw new InvalidDataException($"the file is truncated: {got} of {length} bytes are there")
            : stream.ReadByte() >= 0 ? throw new InvalidDataException($"the file is longer than the {length} bytes that the archive states")
            : bytes;
    }
}
