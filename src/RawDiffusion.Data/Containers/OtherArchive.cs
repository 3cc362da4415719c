namespace RawDiffusion.Data;

/// <summary>Names archives that are not read, by their first bytes, with the command that unpacks them.</summary>
internal static class OtherArchive
{
    /// <summary>What it is and what to do; null if it is none of them.</summary>
    public static string? Describe(ReadOnlySpan<byte> start)
    {
        (string Kind, string Command)? known = start.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]) ? ("an xz archive (.tar.xz)", "tar -xf")
            : start.StartsWith("BZh"u8) ? ("a bzip2 archive (.tar.bz2)", "tar -xf")
            : start.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]) ? ("a Zstandard archive (.tar.zst)", "tar -xf")
            : start.StartsWith((ReadOnlySpan<byte>)[(byte)'7', (byte)'z', 0xBC, 0xAF, 0x27, 0x1C]) ? ("a 7-Zip archive", "7z x")
            : start.StartsWith("Rar!"u8) ? ("a RAR archive", "unrar x")
            : null;
        return known is var (kind, command) ? $"{kind}, which is not read. Unpack it ({command}) and give the folder, or pack it as zip or tar.gz." : null;
    }
}
