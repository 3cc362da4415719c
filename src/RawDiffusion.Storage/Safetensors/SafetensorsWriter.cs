using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace RawDiffusion.Storage;

/// <summary>
/// Writes safetensors files in one pass, holding one tensor at a time. Order and spacing are those of the format's reference writer
/// (widest type first, then by name; the header padded with spaces to a multiple of 8 bytes), so equal contents give equal files.
/// </summary>
public static class SafetensorsWriter
{
    private static readonly JsonWriterOptions HeaderStyle = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Sees each tensor's bytes as they are written.</summary>
    internal delegate void TensorWritten(TensorEntry entry, ReadOnlySpan<byte> data);

    /// <summary>Writes a whole file.</summary>
    /// <param name="stream">Where to; written once from front to back, neither flushed nor closed.</param>
    /// <param name="tensors">What; names must be unique. The order does not matter.</param>
    /// <param name="metadata">Strings for the header, in this order.</param>
    /// <exception cref="ArgumentException">Two tensors have one name.</exception>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public static void Write(Stream stream, IEnumerable<TensorSource> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        Write(stream, tensors, metadata, static (_, _) => { });

    internal static void Write(Stream stream, IEnumerable<TensorSource> tensors, IReadOnlyDictionary<string, string>? metadata, TensorWritten written)
    {
        var ordered = tensors.OrderByDescending(tensor => tensor.DType).ThenBy(tensor => tensor.Name, StringComparer.Ordinal).ToArray();
        var header = Header(ordered, metadata);
        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
        stream.Write(prefix);
        stream.Write(header.Span);

        long position = 8L + header.Length;
        byte[] scratch = [];
        foreach (var tensor in ordered)
        {
            var data = tensor.Data(ref scratch);
            stream.Write(data);
            written(new TensorEntry(tensor.Name, tensor.DType, tensor.DType.Name(), tensor.Shape, position, tensor.Length), data);
            position += tensor.Length;
        }
    }

    private static ReadOnlyMemory<byte> Header(TensorSource[] ordered, IReadOnlyDictionary<string, string>? metadata)
    {
        var names = new HashSet<string>(StringComparer.Ordinal) { "__metadata__" };
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, HeaderStyle))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata)
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }
            long offset = 0L;
            foreach (var tensor in ordered)
            {
                if (!names.Add(tensor.Name))
                {
                    throw new ArgumentException($"The tensor name '{tensor.Name}' occurs twice or is reserved.", nameof(ordered));
                }

                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.DType.Name());
                WriteArray(json, "shape", tensor.Shape);
                WriteArray(json, "data_offsets", [offset, offset + tensor.Length]);
                json.WriteEndObject();
                offset += tensor.Length;
            }
            json.WriteEndObject();
        }
        int padding = -buffer.WrittenCount & 7;
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        return buffer.WrittenMemory;
    }

    private static void WriteArray(Utf8JsonWriter json, string name, ReadOnlySpan<long> values)
    {
        json.WriteStartArray(name);
        foreach (long value in values)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }
}
