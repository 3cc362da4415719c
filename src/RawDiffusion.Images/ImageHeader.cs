using System.Buffers.Binary;
using System.Text;
using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>What the first bytes of a file tell; its name is never asked.</summary>
public static class ImageHeader
{
    /// <summary>The format that can be read, or null.</summary>
    public static ImageFormat? Detect(ReadOnlySpan<byte> file) =>
        file.StartsWith(PngChunks.Signature) ? ImageFormat.Png
        : file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? ImageFormat.Jpeg
        : file.StartsWith("RIFF"u8) && file.Length >= 12 && file[8..].StartsWith("WEBP"u8) ? ImageFormat.WebP
        : file.StartsWith("GIF87a"u8) || file.StartsWith("GIF89a"u8) ? ImageFormat.Gif
        : file.StartsWith("BM"u8) && file.Length >= 18 && file[14] is 12 or 40 or 52 or 56 or 64 or 108 or 124 ? ImageFormat.Bmp
        : file.StartsWith("II*\0"u8) || file.StartsWith("MM\0*"u8) ? ImageFormat.Tiff
        : file.Length >= 3 && file[0] == 'P' && file[1] is >= (byte)'1' and <= (byte)'6' && file[2] is 9 or 10 or 13 or 32 or (byte)'#' ? ImageFormat.Netpbm
        : null;

    /// <summary>What can be said of a file that is no image that can be read: its format, where it is a known one, text, or its first bytes.</summary>
    public static string Describe(ReadOnlySpan<byte> file)
    {
        if (Foreign(file) is { } name)
        {
            return $"{name}, which is not read here; convert it to PNG";
        }
        var start = file[..Math.Min(file.Length, 24)];
        int other = start.IndexOfAnyExceptInRange((byte)' ', (byte)'~');
        bool isText = other < 0 || start[other] is (byte)'\n' or (byte)'\r' or (byte)'\t';
        return isText
            ? $"it looks like text: \"{Encoding.ASCII.GetString(start[..(other < 0 ? start.Length : other)])}\""
            : $"its first bytes are {Convert.ToHexString(start[..Math.Min(start.Length, 8)])}";
    }

    /// <summary>Refuses a picture larger than the bytes of its file can hold, before anything is allocated for it.</summary>
    /// <param name="height">Rows, as the file says.</param>
    /// <param name="width">Columns, as the file says.</param>
    /// <param name="fileBytes">The length of the file.</param>
    /// <param name="pixelsPerByte">The most pixels that the format can pack into a byte; 0 where there is no bound.</param>
    /// <exception cref="DataException">The sides or the pixels are out of bounds.</exception>
    internal static void CheckSize(long height, long width, int fileBytes, long pixelsPerByte)
    {
        Image.CheckSize(height, width);
        if (pixelsPerByte > 0 && height * width > fileBytes * pixelsPerByte)
        {
            throw new DataException($"the file is truncated or a decompression bomb: {fileBytes} bytes cannot hold {height}×{width} pixels");
        }
    }

    private static string? Foreign(ReadOnlySpan<byte> file)
    {
        const string Heif = "heic heix heim heis hevc hevx mif1 msf1";
        if (file.Length >= 12 && file[4..].StartsWith("ftyp"u8))
        {
            string brand = Encoding.ASCII.GetString(file.Slice(8, 4));
            var brands = file[8..(int)Math.Clamp(BinaryPrimitives.ReadUInt32BigEndian(file), 12, (uint)file.Length)];
            return brands.IndexOf("avif"u8) >= 0 || brands.IndexOf("avis"u8) >= 0 ? "it is an AVIF image"
                : Heif.Contains(brand, StringComparison.Ordinal) ? "it is a HEIC image" : null;
        }
        return file.StartsWith("II+\0"u8) || file.StartsWith("MM\0+"u8) ? "it is a BigTIFF image"
            : file.StartsWith("\0\0\0\u000CjP  "u8) || file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x4F, 0xFF, 0x51]) ? "it is a JPEG 2000 image"
            : file.StartsWith("\0\0\0\u000CJXL "u8) || file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x0A]) ? "it is a JPEG XL image"
            : file.StartsWith("8BPS"u8) ? "it is a Photoshop image"
            : file.EndsWith("TRUEVISION-XFILE.\0"u8) ? "it is a TGA image"
            : null;
    }
}
