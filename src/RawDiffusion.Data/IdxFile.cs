using System.Buffers.Binary;
using System.IO.Compression;
using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>
/// A file of MNIST's IDX format: two zero bytes, the type 8 (unsigned bytes), the number of dimensions, each dimension
/// big-endian, and the bytes.
/// </summary>
/// <param name="Dimensions">The dimensions, outermost first.</param>
/// <param name="Body">Their product many bytes.</param>
internal sealed record IdxFile(int[] Dimensions, byte[] Body)
{
    // Deflate cannot unfold one byte to more than this many.
    private const long DeflateLimit = 1032;

    /// <summary>Reads a file, gzipped or not.</summary>
    /// <param name="name">For messages.</param>
    /// <param name="file">The file's bytes.</param>
    /// <param name="dimensions">How many dimensions it must have.</param>
    /// <param name="memoryLimit">The most bytes its body may have.</param>
    /// <exception cref="DataException">It is not such a file, or is shorter or longer than its header says.</exception>
    public static IdxFile Parse(string name, byte[] file, int dimensions, long memoryLimit)
    {
        bool zipped = file is [0x1F, 0x8B, ..];
        using Stream stream = zipped ? new GZipStream(new MemoryStream(file), CompressionMode.Decompress) : new MemoryStream(file);
        try
        {
            byte[] header = new byte[4 + 4 * dimensions];
            int got = stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
            uint magic = BinaryPrimitives.ReadUInt32BigEndian(header), expected = 0x800u + (uint)dimensions;
            if (got < header.Length || magic != expected)
            {
                throw new DataException(got < header.Length
                    ? $"{name} is truncated: it has {got} bytes, less than an IDX header of {header.Length}"
                    : $"{name} begins with {magic:x8}; an IDX file of bytes with {dimensions} "
                        + $"dimension{(dimensions == 1 ? "" : "s")} begins with {expected:x8}");
            }
            int[] sizes = [.. Enumerable.Range(0, dimensions).Select(i => BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4 + 4 * i)))];
            if (sizes.Any(size => size < 1))
            {
                throw new DataException($"{name} says that it holds {string.Join(" × ", sizes)} bytes; each dimension must be at least 1");
            }
            var product = sizes.Aggregate(System.Numerics.BigInteger.One, (product, size) => product * size);
            if (product > file.Length * (zipped ? DeflateLimit : 1L))
            {
                throw new DataException($"{name} is truncated: its header promises {string.Join(" × ", sizes)} bytes, which a "
                    + $"file of {file.Length} bytes cannot hold");
            }
            if (product > Math.Min(memoryLimit, Array.MaxLength))
            {
                throw new DataException($"{name} holds {product} bytes, more than the {Math.Min(memoryLimit, Array.MaxLength)} "
                    + "that are allowed in memory");
            }
            byte[] body = new byte[(int)product];
            got = stream.ReadAtLeast(body, body.Length, throwOnEndOfStream: false);
            return got < body.Length ? throw new DataException($"{name} is truncated: its header promises "
                + $"{string.Join(" × ", sizes)} = {body.Length} bytes, but {got} follow")
                : stream.ReadByte() >= 0 ? throw new DataException($"{name} is longer than the {string.Join(" × ", sizes)} bytes "
                    + "that its header promises")
                : new IdxFile(sizes, body);
        }
        catch (InvalidDataException e)
        {
            throw new DataException($"{name} cannot be unpacked: {e.Message}", e);
        }
    }
}
