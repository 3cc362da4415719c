using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>
/// Reads PNG files of every colour type and bit depth, interlaced or not. Deeper samples are rounded to 8 bits, and what is
/// transparent is composed over black. Nothing is allocated that the file's own length does not justify.
/// </summary>
public static class PngReader
{
    // Deflate cannot unfold one byte to more than this many (a match of 258 bytes costs two bits).
    private const long DeflateLimit = 1032;

    /// <summary>The picture in <paramref name="file"/>: one channel for grey types, three for palette and RGB types.</summary>
    /// <exception cref="DataException">The file is no PNG file, or is damaged; the message names what is wrong, not the file.</exception>
    public static Image Read(ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith(PngHeader.Signature))
        {
            throw new DataException("the file does not start with PNG's signature");
        }
        PngHeader? header = null;
        ReadOnlySpan<byte> palette = default, transparency = default;
        using var data = new MemoryStream();
        int at = PngHeader.Signature.Length;
        while (true)
        {
            var chunk = NextChunk(file, ref at, out string? type);
            if (header is null && type is not "IHDR")
            {
                throw new DataException($"the first PNG chunk is {type} instead of IHDR");
            }
            switch (type)
            {
                case "IHDR" when header is null:
                    header = PngHeader.Parse(chunk);
                    break;
                case "PLTE" when chunk.Length is > 0 and <= 768 && chunk.Length % 3 == 0:
                    palette = chunk;
                    break;
                case "tRNS":
                    transparency = chunk;
                    break;
                case "IDAT":
                    data.Write(chunk);
                    break;
                case "IEND":
                    return Unfold(header!.Value, palette, transparency, data);
                default:
                    if (char.IsUpper(type[0]))
                    {
                        throw new DataException($"PNG chunk {type} of {chunk.Length} bytes is unknown or out of place");
                    }
                    break;
            }
        }
    }

    private static ReadOnlySpan<byte> NextChunk(ReadOnlySpan<byte> file, scoped ref int at, out string type)
    {
        if (file.Length - at < 12)
        {
            throw new DataException($"the PNG file is truncated: it ends after {file.Length} bytes, before its IEND chunk");
        }
        uint length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
        type = Encoding.ASCII.GetString(file.Slice(at + 4, 4));
        if (!type.All(char.IsAsciiLetter))
        {
            throw new DataException($"the PNG file is damaged: no chunk starts at byte {at}");
        }
        if (length > file.Length - at - 12)
        {
            throw new DataException($"the PNG file is truncated: chunk {type} claims {length} bytes, but {file.Length - at - 12} are left");
        }
        var chunk = file.Slice(at + 8, (int)length);
        uint stored = BinaryPrimitives.ReadUInt32BigEndian(file[(at + 8 + (int)length)..]), computed = Crc32.Of(file.Slice(at + 4, 4), chunk);
        if (stored != computed)
        {
            throw new DataException($"the PNG file is damaged: chunk {type} has checksum {computed:x8} instead of {stored:x8}");
        }
        at += 12 + (int)length;
        return chunk;
    }

    private static Image Unfold(PngHeader header, ReadOnlySpan<byte> palette, ReadOnlySpan<byte> transparency, MemoryStream data)
    {
        if (header.Colour == PngColour.Palette && palette.IsEmpty)
        {
            throw new DataException("the PNG file has palette colours but no PLTE chunk before its end");
        }
        long expected = header.DataBytes();
        if (expected > data.Length * DeflateLimit)
        {
            throw new DataException($"the PNG file is truncated or a decompression bomb: {header.Width}×{header.Height} pixels "
                + $"need {expected} bytes, "
                + $"which {data.Length} compressed bytes cannot hold");
        }
        data.Position = 0;
        var pixels = new PngPixels(header, palette, transparency);
        using var rows = new ZLibStream(data, CompressionMode.Decompress);
        foreach (var pass in header.Passes())
        {
            int columns = pass.Columns(header.Width), rowBytes = header.RowBytes(columns);
            var (row, above) = (new byte[1 + rowBytes], new byte[1 + rowBytes]);
            for (int y = 0; y < pass.Rows(header.Height); y++)
            {
                Fill(rows, row);
                Unfilter(row[0], row.AsSpan(1), above.AsSpan(1), Math.Max(1, header.BitsPerPixel / 8));
                pixels.SetRow(row.AsSpan(1), pass, y);
                (row, above) = (above, row);
            }
        }
        ReadToEnd(rows);
        return pixels.Image;
    }

    private static void Fill(ZLibStream rows, byte[] row)
    {
        int got;
        try
        {
            got = rows.ReadAtLeast(row, row.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException e)
        {
            throw new DataException($"the PNG file's compressed data is damaged ({e.Message})", e);
        }
        if (got < row.Length)
        {
            throw new DataException("the PNG file's compressed data ends before the last row");
        }
    }

    // Reading on past the last row makes zlib compare its own checksum of the data.
    private static void ReadToEnd(ZLibStream rows)
    {
        try
        {
            rows.ReadByte();
        }
        catch (InvalidDataException e)
        {
            throw new DataException($"the PNG file's compressed data is damaged ({e.Message})", e);
        }
    }

    private static void Unfilter(byte filter, Span<byte> row, ReadOnlySpan<byte> above, int pixelBytes)
    {
        if (filter > 4)
        {
            throw new DataException($"the PNG file's compressed data is damaged: a row has filter {filter}, known are 0..4");
        }
        for (int i = 0; filter != 0 && i < row.Length; i++)
        {
            byte left = i < pixelBytes ? (byte)0 : row[i - pixelBytes];
            byte corner = i < pixelBytes ? (byte)0 : above[i - pixelBytes];
            row[i] += PngFilter.Predict(filter, left, above[i], corner);
        }
    }
}
