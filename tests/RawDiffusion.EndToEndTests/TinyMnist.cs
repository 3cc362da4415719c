using System.Buffers.Binary;
using System.IO.Compression;

namespace RawDiffusion.EndToEndTests;

/// <summary>Made-up digits in MNIST's format: image i is a bright column at 2·(i mod 10) + 4, labelled i mod 10.</summary>
internal static class TinyMnist
{
    private const int Side = 28;

    /// <summary>The images file.</summary>
    public static byte[] Images(int count)
    {
        byte[] file = Header(0x803, count, Side, Side);
        byte[] pixels = new byte[count * Side * Side];
        for (int i = 0; i < count; i++)
        {
            for (int y = 4; y < Side - 4; y++)
            {
                pixels[(i * Side + y) * Side + 2 * (i % 10) + 4] = 255;
            }
        }
        return [.. file, .. pixels];
    }

    /// <summary>The labels file.</summary>
    public static byte[] Labels(int count) => [.. Header(0x801, count), .. Enumerable.Range(0, count).Select(i => (byte)(i % 10))];

    /// <summary>Writes the four files, two of them compressed.</summary>
    public static void Write(Workspace at, string folder)
    {
        at.Write(Path.Combine(folder, "train-images-idx3-ubyte.gz"), Compress(Images(50)));
        at.Write(Path.Combine(folder, "train-labels-idx1-ubyte"), Labels(50));
        at.Write(Path.Combine(folder, "t10k-images-idx3-ubyte"), Images(10));
        at.Write(Path.Combine(folder, "t10k-labels-idx1-ubyte.gz"), Compress(Labels(10)));
    }

    private static byte[] Header(int magic, params int[] extents)
    {
        byte[] header = new byte[4 + 4 * extents.Length];
        BinaryPrimitives.WriteInt32BigEndian(header, magic);
        for (int i = 0; i < extents.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 + 4 * i), extents[i]);
        }
        return header;
    }

    private static byte[] Compress(byte[] bytes)
    {
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }
        return memory.ToArray();
    }
}
