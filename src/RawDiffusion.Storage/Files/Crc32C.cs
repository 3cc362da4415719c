using System.Buffers.Binary;
using System.Numerics;

namespace RawDiffusion.Storage;

/// <summary>The Castagnoli checksum, for which processors have an instruction: cheap enough to keep one per tensor.</summary>
internal static class Crc32C
{
    /// <summary>The value to begin with, and that of no bytes at all.</summary>
    public const uint Empty = 0;

    /// <summary>Continues a checksum over more bytes.</summary>
    public static uint Append(uint checksum, ReadOnlySpan<byte> bytes)
    {
        uint state = ~checksum;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (byte value in bytes)
        {
            state = BitOperations.Crc32C(state, value);
        }

        return ~state;
    }
}
