using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>The rules for the names and sizes of files inside a folder or an archive.</summary>
internal static class ContainerNames
{
    /// <summary>The longest file of a whole set (MNIST's, CIFAR-10's) that is read into memory.</summary>
    public const long MaxFileBytes = 1L << 30;

    /// <summary>The longest image file that is read into memory, whatever it was packed to: more than any picture that is decoded takes as a bitmap.</summary>
    public const long MaxImageBytes = 1L << 28;

    /// <summary>How many bytes tell what a file is.</summary>
    public const int StartBytes = 64;

    /// <summary>Why a hidden file or folder is passed over.</summary>
    public const string Hidden = "hidden or left by the system";

    // What is allocated at first for a file; the rest only when so much has come.
    private const int FirstBytes = 1 << 20;

    private static readonly string[] _leftBySystems =
    [
        "__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found",
    ];

    /// <summary>The name with forward slashes and no leading "./".</summary>
    /// <exception cref="DataException">It points outside the archive.</exception>
    public static string Normalise(string archive, string name) => Inside(name)
        ?? throw new DataException($"{archive} holds a file named \"{name}\", which points outside the archive. Nothing is " +
            "read from such an archive; pack it again with relative names.");

    /// <summary>The name with forward slashes, no leading "./" and no slash at its end; null if it points outside, or is the archive itself.</summary>
    public static string? Inside(string name)
    {
        string[] parts = [.. name.Replace('\\', '/').TrimEnd('/').Split('/').SkipWhile(part => part == ".")];
        return parts.Length > 0 && !parts.Contains("..") && parts[0].Length > 0 && !parts[0].EndsWith(':') ? string.Join('/', parts) : null;
    }

    /// <summary>True for what systems leave behind, and for names that begin with a dot.</summary>
    /// <param name="part">One part of a name.</param>
    public static bool IsHidden(ReadOnlySpan<char> part)
    {
        if (part.StartsWith('.'))
        {
            return true;
        }
        foreach (string left in _leftBySystems)
        {
            if (part.Equals(left, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Where the first hidden part of a name ends: at the slash after it, or at the name's end. −1 if no part is hidden.</summary>
    public static int HiddenPart(string name)
    {
        for (int start = 0; start < name.Length;)
        {
            int end = name.IndexOf('/', start) is >= 0 and var slash ? slash : name.Length;
            if (IsHidden(name.AsSpan(start, end - start)))
            {
                return end;
            }
            start = end + 1;
        }
        return -1;
    }

    /// <summary>The names in ordinal order.</summary>
    /// <exception cref="DataException">A name comes twice.</exception>
    public static string[] Sort(string archive, IEnumerable<string> names)
    {
        string[] sorted = [.. names];
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
    /// <exception cref="InvalidDataException">The stream is shorter, or longer, or they are more than <paramref name="most"/>.</exception>
    public static byte[] ReadExactly(Stream stream, long length, long most)
    {
        if (length > most)
        {
            throw new InvalidDataException($"the file has {length} bytes; up to {most} are read");
        }
        byte[] bytes = new byte[Math.Min(length, FirstBytes)];
        int got = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        while (got == bytes.Length && got < length)
        {
            Array.Resize(ref bytes, (int)Math.Min(length, 2L * got));
            got += stream.ReadAtLeast(bytes.AsSpan(got), bytes.Length - got, throwOnEndOfStream: false);
        }
        return got < length ? throw new InvalidDataException($"the file is truncated: {got} of {length} bytes are there")
            : stream.ReadByte() >= 0 ? throw new InvalidDataException($"the file is longer than the {length} bytes that the archive states")
            : bytes;
    }

    /// <summary>The first bytes of a stream.</summary>
    public static byte[] ReadStart(Stream stream)
    {
        byte[] start = new byte[StartBytes];
        return start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
    }
}
