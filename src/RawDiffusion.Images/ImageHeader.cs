using System.Buffers.Binary;
using System.Text;
using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>What an image file says of itself: its format by its first bytes (never by its name) and its size.</summary>
/// <param name="Format">The format.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
public readonly record struct ImageHeader(ImageFormat Format, int Height, int Width)
{
    /// <summary>Reads the header without decoding the picture, so that a bomb is refused before anything is allocated for it.</summary>
    /// <exception cref="DataException">
    /// An empty file, an unknown format, a header that is cut off, or a side that is not in 1..<see cref="Image.MaxSide"/>.
    /// </exception>
    public static ImageHeader Read(ReadOnlySpan<byte> file)
    {
        var format = Detect(file)
            ?? throw new DataException(file.IsEmpty ? "the file is empty" : $"the file is no image of a "
            + $"known format ({Describe(file)})");
        (long Height, long Width)? size;
        try
        {
            size = format switch
            {
                ImageFormat.Png => (BinaryPrimitives.ReadUInt32BigEndian(file[20..]), BinaryPrimitives.ReadUInt32BigEndian(file[16..])),
                ImageFormat.Jpeg => JpegSize(file),
                ImageFormat.WebP => WebPSize(file),
                ImageFormat.Gif => (BinaryPrimitives.ReadUInt16LittleEndian(file[8..]), BinaryPrimitives.ReadUInt16LittleEndian(file[6..])),
                ImageFormat.Bmp => BmpSize(file),
                ImageFormat.Tiff => new TiffDirectory(file).Size(),
                _ => AvifSize(file),
            };
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            size = null;
        }
        var (height, width) = size ?? throw new DataException($"the {format} file is truncated or damaged: its header gives no size");
        Image.CheckSize(height, width);
        return new ImageHeader(format, (int)height, (int)width);
    }

    /// <summary>The format that the first bytes tell, or null.</summary>
    public static ImageFormat? Detect(ReadOnlySpan<byte> file) =>
        file.StartsWith(PngHeader.Signature) ? ImageFormat.Png
        : file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? ImageFormat.Jpeg
        : file.StartsWith("RIFF"u8) && file.Length >= 12 && file[8..].StartsWith("WEBP"u8) ? ImageFormat.WebP
        : file.StartsWith("GIF87a"u8) || file.StartsWith("GIF89a"u8) ? ImageFormat.Gif
        : file.StartsWith("BM"u8) && file.Length >= 18 && file[14] is 12 or 40 or 52 or 56 or 64 or 108 or 124 ? ImageFormat.Bmp
        : file.StartsWith("II*\0"u8) || file.StartsWith("MM\0*"u8) ? ImageFormat.Tiff
        : file.Length >= 32 && file[4..].StartsWith("ftyp"u8) && file[8..32].IndexOf("avi"u8) >= 0 ? ImageFormat.Avif
        : null;

    /// <summary>What can be said of a file that is no image: text, or its first bytes.</summary>
    public static string Describe(ReadOnlySpan<byte> file)
    {
        var start = file[..Math.Min(file.Length, 24)];
        int other = start.IndexOfAnyExceptInRange((byte)' ', (byte)'~');
        bool isText = other < 0 || start[other] is (byte)'\n' or (byte)'\r' or (byte)'\t';
        return isText
            ? $"it looks like text: \"{Encoding.ASCII.GetString(start[..(other < 0 ? start.Length : other)])}\""
            : $"its first bytes are {Convert.ToHexString(start[..Math.Min(start.Length, 8)])}";
    }

    private static (long, long)? JpegSize(ReadOnlySpan<byte> file)
    {
        int at = 2;
        while (file[at] == 0xFF)
        {
            byte marker = file[at + 1];
            if (marker == 0xFF)
            {
                at++;
                continue;
            }
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                return (BinaryPrimitives.ReadUInt16BigEndian(file[(at + 5)..]), BinaryPrimitives.ReadUInt16BigEndian(file[(at + 7)..]));
            }
            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (at >= file.Length)
            {
                break;
            }
        }
        return null;
    }

    private static (long, long)? WebPSize(ReadOnlySpan<byte> file)
    {
        var kind = file[12..];
        if (kind.StartsWith("VP8X"u8))
        {
            return (1 + file[27] + (file[28] << 8) + (file[29] << 16), 1 + file[24] + (file[25] << 8) + (file[26] << 16));
        }
        if (kind.StartsWith("VP8L"u8))
        {
            uint bits = BinaryPrimitives.ReadUInt32LittleEndian(file[21..]);
            return (1 + ((bits >> 14) & 0x3FFF), 1 + (bits & 0x3FFF));
        }
        return kind.StartsWith("VP8 "u8)
            ? (BinaryPrimitives.ReadUInt16LittleEndian(file[28..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(file[26..]) & 0x3FFF)
            : null;
    }

    private static (long, long)? BmpSize(ReadOnlySpan<byte> file) => file[14] == 12
        ? (BinaryPrimitives.ReadUInt16LittleEndian(file[20..]), BinaryPrimitives.ReadUInt16LittleEndian(file[18..]))
        : (Math.Abs((long)BinaryPrimitives.ReadInt32LittleEndian(file[22..])), BinaryPrimitives.ReadInt32LittleEndian(file[18..]));

    // The box "ispe" (image spatial extents) holds version and flags, then width and height.
    private static (long, long)? AvifSize(ReadOnlySpan<byte> file)
    {
        int at = file.IndexOf("ispe"u8);
        return at < 0 ? null : (BinaryPrimitives.ReadUInt32BigEndian(file[(at + 12)..]), BinaryPrimitives.ReadUInt32BigEndian(file[(at + 8)..]));
    }
}
