using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace RawDiffusion.UnitTests.Images;

/// <summary>Writes PNG files of every kind, and broken ones: an encoder that shares nothing with the one under test.</summary>
internal static class PngFixture
{
    /// <summary>A file whose sample c of pixel (x, y) is sample(x, y, c); rows cycle through the five filters.</summary>
    public static byte[] Make(int width, int height, int colour, int depth, bool interlaced, Func<int, int, int, int> sample, byte[]? palette = null, byte[]? transparency = null)
    {
        var chunks = new List<byte[]> { Chunk("IHDR", Header(width, height, depth, colour, interlaced ? 1 : 0)) };
        if (palette is not null)
        {
            chunks.Add(Chunk("PLTE", palette));
        }
        if (transparency is not null)
        {
            chunks.Add(Chunk("tRNS", transparency));
        }
        chunks.Add(Chunk("tEXt", Encoding.ASCII.GetBytes("Comment\0ignored")));
        byte[] data = Compress(Rows(width, height, colour, depth, interlaced, sample));
        chunks.Add(Chunk("IDAT", data[..(data.Length / 2)]));
        chunks.Add(Chunk("IDAT", data[(data.Length / 2)..]));
        chunks.Add(Chunk("IEND", []));
        return File([.. chunks]);
    }

    public static byte[] File(params byte[][] chunks) => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, .. chunks.SelectMany(chunk => chunk)];

    public static byte[] Header(int width, int height, int depth, int colour, int interlace)
    {
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = ((byte)depth, (byte)colour, (byte)interlace);
        return header;
    }

    public static byte[] Chunk(string type, byte[] data)
    {
        byte[] chunk = new byte[12 + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        Encoding.ASCII.GetBytes(type, chunk.AsSpan(4));
        data.CopyTo(chunk, 8);
        uint crc = ~0u;
        foreach (byte b in chunk.AsSpan(4, 4 + data.Length))
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ (0xEDB88320u & (uint)-(int)(crc & 1));
            }
        }
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), ~crc);
        return chunk;
    }

    public static byte[] Compress(byte[] data)
    {
        var result = new MemoryStream();
        using (var stream = new ZLibStream(result, CompressionLevel.Optimal))
        {
            stream.Write(data);
        }
        return result.ToArray();
    }

    private static byte[] Rows(int width, int height, int colour, int depth, bool interlaced, Func<int, int, int, int> sample)
    {
        int samples = colour switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 }, pixelBytes = Math.Max(1, samples * depth / 8);
        var rows = new List<byte>();
        for (int pass = 1; pass <= (interlaced ? 7 : 1); pass++)
        {
            byte[] above = new byte[width * 8];
            int filter = 0;
            for (int y = 0; y < height; y++)
            {
                int[] columns = [.. Enumerable.Range(0, width).Where(x => !interlaced || Adam7(x, y) == pass)];
                if (columns.Length == 0)
                {
                    continue;
                }
                byte[] row = new byte[(columns.Length * samples * depth + 7) / 8];
                int bit = 0;
                foreach (int x in columns)
                {
                    for (int c = 0; c < samples; c++, bit += depth)
                    {
                        int value = sample(x, y, c);
                        if (depth == 16)
                        {
                            row[bit / 8] = (byte)(value >> 8);
                        }
                        row[(bit + depth - 1) / 8] |= (byte)(value << ((8 - (bit + depth) % 8) % 8));
                    }
                }
                rows.Add((byte)filter);
                for (int i = 0; i < row.Length; i++)
                {
                    int left = i < pixelBytes ? 0 : row[i - pixelBytes], corner = i < pixelBytes ? 0 : above[i - pixelBytes];
                    int p = left + above[i] - corner;
                    int paeth = new[] { left, above[i], corner }.MinBy(n => Math.Abs(p - n));
                    rows.Add((byte)(row[i] - (filter switch { 1 => left, 2 => above[i], 3 => (left + above[i]) / 2, 4 => paeth, _ => 0 })));
                }
                above = row;
                filter = (filter + 1) % 5;
            }
        }
        return [.. rows];
    }

    // The 8×8 pattern as it stands in the specification.
    private static int Adam7(int x, int y) => "1646264677777777565656567777777736463646777777775656565677777777"[y % 8 * 8 + x % 8] - '0';
}
