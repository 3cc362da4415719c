using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace RawDiffusion.Images;

/// <summary>Writes PNG files of 8-bit grey or RGB.</summary>
public static class PngWriter
{
    /// <summary>The file's bytes.</summary>
    public static byte[] Encode(Image image)
    {
        // Photographs shrink best when each row has the filter with the smallest residues, charts and other flat art without any.
        byte[] adaptive = Compress(image, filtered: true), plain = Compress(image, filtered: false);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), image.Height);
        header[8] = 8;
        header[9] = (byte)(image.Channels == 1 ? PngColour.Grey : PngColour.Rgb);

        var file = new MemoryStream();
        file.Write(PngHeader.Signature);
        WriteChunk(file, "IHDR", header);
        WriteChunk(file, "IDAT", adaptive.Length < plain.Length ? adaptive : plain);
        WriteChunk(file, "IEND", []);
        return file.ToArray();
    }

    /// <summary>Writes the file, replacing one that is there.</summary>
    public static void Write(Image image, string path) => File.WriteAllBytes(path, Encode(image));

    private static byte[] Compress(Image image, bool filtered)
    {
        var data = new MemoryStream();
        using (var stream = new ZLibStream(data, CompressionLevel.SmallestSize))
        {
            int rowBytes = image.Width * image.Channels;
            ReadOnlySpan<byte> above = new byte[rowBytes];
            byte[] best = new byte[1 + rowBytes], candidate = new byte[1 + rowBytes];
            for (int y = 0; y < image.Height; y++)
            {
                var row = image.Pixels.AsSpan(y * rowBytes, rowBytes);
                long smallest = Filter(0, row, above, image.Channels, best);
                for (int filter = 1; filtered && filter <= 4; filter++)
                {
                    long sum = Filter(filter, row, above, image.Channels, candidate);
                    if (sum < smallest)
                    {
                        (smallest, best, candidate) = (sum, candidate, best);
                    }
                }
                stream.Write(best);
                above = row;
            }
        }
        return data.ToArray();
    }

    // Fills in the filtered row and returns the sum of its residues' absolute values, each taken as signed.
    private static long Filter(int filter, ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, int pixelBytes, byte[] result)
    {
        long sum = 0;
        result[0] = (byte)filter;
        for (int i = 0; i < row.Length; i++)
        {
            byte left = i < pixelBytes ? (byte)0 : row[i - pixelBytes];
            byte corner = i < pixelBytes ? (byte)0 : above[i - pixelBytes];
            byte residue = (byte)(row[i] - PngFilter.Predict(filter, left, above[i], corner));
            result[1 + i] = residue;
            sum += Math.Abs((int)(sbyte)residue);
        }
        return sum;
    }

    private static void WriteChunk(MemoryStream file, string type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        byte[] name = Encoding.ASCII.GetBytes(type);
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(name);
        file.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.Of(name, data));
        file.Write(number);
    }
}
