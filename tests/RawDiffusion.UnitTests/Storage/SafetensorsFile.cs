using System.Buffers.Binary;
using System.Text;
using RawDiffusion.Storage;

namespace RawDiffusion.UnitTests.Storage;

/// <summary>Safetensors files by hand.</summary>
internal static class SafetensorsFile
{
    /// <summary>A file of any header and data, right or wrong.</summary>
    public static byte[] Of(string header, int dataBytes) => Of(Encoding.UTF8.GetBytes(header), dataBytes);

    public static byte[] Of(byte[] header, int dataBytes, ulong? declaredLength = null)
    {
        byte[] bytes = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, declaredLength ?? (ulong)header.Length);
        header.CopyTo(bytes, 8);
        for (int i = 0; i < dataBytes; i++)
        {
            bytes[8 + header.Length + i] = (byte)i;
        }

        return bytes;
    }

    /// <summary>A valid file with one tensor of each kind that is read differently.</summary>
    public static byte[] Valid()
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(
            stream,
            [
                TensorSource.Floats("a.weight", [2, 3], new float[] { 1, 2, 3, 4, 5, 6 }),
                TensorSource.Int64("timestep", [2], new long[] { -1, long.MaxValue }),
                TensorSource.Bytes("half", TensorDType.F16, [2], new byte[] { 0x00, 0x3c, 0x00, 0xc0 }),
                TensorSource.Bytes("flags", TensorDType.Bool, [3], new byte[] { 1, 0, 1 }),
                TensorSource.Floats("scalar", [], new float[] { 0.5f }),
                TensorSource.Floats("nothing", [0, 7], ReadOnlyMemory<float>.Empty),
            ],
            new Dictionary<string, string> { ["format"] = "pt" });
        return stream.ToArray();
    }

    /// <summary>Reads all that can be read.</summary>
    public static void ReadAll(SafetensorsReader reader)
    {
        foreach (string name in reader.Names)
        {
            switch (reader.Entry(name).DType)
            {
                case TensorDType.F16 or TensorDType.BF16 or TensorDType.F32 or TensorDType.F64:
                    reader.ReadFloats(name);
                    break;
                case TensorDType.U16 or TensorDType.U32 or TensorDType.U64 or TensorDType.Unknown:
                    reader.ReadBytes(name);
                    break;
                default:
                    reader.ReadInt64(name);
                    break;
            }
        }
    }
}
