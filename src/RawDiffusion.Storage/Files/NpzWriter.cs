using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace RawDiffusion.Storage;

/// <summary>One array of NumPy's archive.</summary>
/// <param name="Name">Its name, such as <c>arr_0</c>.</param>
/// <param name="Type">NumPy's description of its elements, such as <c>|u1</c>.</param>
/// <param name="Shape">Its extents.</param>
/// <param name="Bytes">Its elements, last extent fastest, little-endian.</param>
public sealed record NpyArray(string Name, string Type, IReadOnlyList<int> Shape, byte[] Bytes)
{
    /// <summary>An array of bytes.</summary>
    public static NpyArray Of(string name, byte[] values, params int[] shape) => new(name, "|u1", shape, values);

    /// <summary>An array of 64-bit integers.</summary>
    public static NpyArray Of(string name, long[] values, params int[] shape) => new(name, "<i8", shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
}

/// <summary>Writes NumPy's <c>.npz</c>: a zip of <c>.npy</c> files, stored uncompressed as <c>numpy.savez</c> does.</summary>
public static class NpzWriter
{
    private const int Alignment = 64;
    private static readonly byte[] MagicAndVersion = [0x93, .. "NUMPY"u8, 1, 0];
    private static readonly DateTimeOffset FixedTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes an archive; the same arrays give the same bytes.</summary>
    public static void Write(Stream stream, IEnumerable<NpyArray> arrays)
    {
        using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        foreach (var array in arrays)
        {
            var entry = zip.CreateEntry(array.Name + ".npy", CompressionLevel.NoCompression);
            entry.LastWriteTime = FixedTime;
            using var file = entry.Open();
            file.Write(Header(array));
            file.Write(array.Bytes);
        }
    }

    /// <summary>Magic, version, length, and a Python dictionary padded with spaces so that the elements start at a multiple of 64.</summary>
    private static byte[] Header(NpyArray array)
    {
        string shape = string.Join(", ", array.Shape) + (array.Shape.Count == 1 ? "," : "");
        string dictionary = $"{{'descr': '{array.Type}', 'fortran_order': False, 'shape': ({shape}), }}";
        int unpadded = MagicAndVersion.Length + sizeof(ushort) + dictionary.Length + 1;
        int total = (unpadded + Alignment - 1) / Alignment * Alignment;
        byte[] header = new byte[total];
        header.AsSpan().Fill((byte)' ');
        MagicAndVersion.CopyTo(header, 0);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(MagicAndVersion.Length), (ushort)(total - MagicAndVersion.Length - sizeof(ushort)));
        Encoding.ASCII.GetBytes(dictionary, header.AsSpan(MagicAndVersion.Length + sizeof(ushort)));
        header[^1] = (byte)'\n';
        return header;
    }
}
