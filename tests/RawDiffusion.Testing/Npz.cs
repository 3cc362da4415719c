using System.Buffers.Binary;
using System.IO.Compression;

namespace RawDiffusion.Testing;

/// <summary>Reads the elements of arrays in NumPy's archives, as tests of samples need them.</summary>
public static class Npz
{
    private const int HeaderLength = 8, HeaderStart = 10;

    /// <summary>The bytes of an array's elements.</summary>
    /// <param name="archive">The archive's path.</param>
    /// <param name="name">The array's name, such as <c>arr_0</c>.</param>
    public static byte[] Bytes(string archive, string name)
    {
        using var zip = ZipFile.OpenRead(archive);
        using var stream = zip.GetEntry(name + ".npy")!.Open();
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        byte[] file = memory.ToArray();
        return file[(HeaderStart + BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(HeaderLength)))..];
    }
}
