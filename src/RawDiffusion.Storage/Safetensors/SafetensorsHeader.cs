using System.Text.Json;
using System.Text.Unicode;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// The JSON part of a safetensors file. Everything the format demands is checked here, before any tensor is read, so that a hostile
/// file costs no more memory than a small multiple of its own size.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The format's limit on the header's length in bytes.</summary>
    public const int MaxLength = 100_000_000;

    private const string MetadataKey = "__metadata__";

    private readonly string _file;
    private readonly long _dataStart;
    private readonly Dictionary<string, TensorEntry> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private SafetensorsHeader(string file, long dataStart) => (_file, _dataStart) = (file, dataStart);

    public IReadOnlyDictionary<string, TensorEntry> ByName => _byName;

    /// <summary>Tensors in the order of their bytes in the file.</summary>
    public IReadOnlyList<TensorEntry> InFileOrder { get; private set; } = [];

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <param name="json">The header's bytes, without the length in front of them.</param>
    /// <param name="fileLength">Bytes of the whole file.</param>
    /// <param name="file">Path for messages.</param>
    /// <exception cref="StorageException">The header breaks the format.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long fileLength, string file)
    {
        var header = new SafetensorsHeader(file, 8L + json.Length);
        if (json.Length == 0 || json[0] != (byte)'{')
        {
            throw header.Broken("its header does not begin with '{'");
        }

        if (!Utf8.IsValid(json))
        {
            throw header.Broken("its header is not valid UTF-8");
        }

        try
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            header.ReadObject(ref reader);
            if (reader.Read())
            {
                throw header.Broken("its header continues after the closing '}'");
            }
        }
        // The second is what the reader throws for an escaped half of a surrogate pair.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw header.Broken($"its header is not valid JSON ({e.Message.TrimEnd('.')})", e);
        }
        header.Arrange(fileLength);
        return header;
    }

    private void ReadObject(ref Utf8JsonReader reader)
    {
        bool sawMetadata = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw Broken($"the value of {Quote(name)} is {Describe(reader.TokenType)}, not an object");
            }

            if (name == MetadataKey)
            {
                if (sawMetadata)
                {
                    throw Broken($"the key {Quote(name)} occurs twice");
                }

                sawMetadata = true;
                ReadMetadata(ref reader);
            }
            else if (!_byName.TryAdd(name, ReadTensor(name, ref reader)))
            {
                throw Broken($"the key {Quote(name)} occurs twice");
            }
        }
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw Broken($"the metadata {Quote(key)} is {Describe(reader.TokenType)}, not a string");
            }

            if (!_metadata.TryAdd(key, reader.GetString()!))
            {
                throw Broken($"the metadata {Quote(key)} occurs twice");
            }
        }
    }

    private TensorEntry ReadTensor(string name, ref Utf8JsonReader reader)
    {
        string? type = null;
        long[]? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            bool repeated = key switch
            {
                "dtype" => type is not null,
                "shape" => shape is not null,
                "data_offsets" => offsets is not null,
                _ => false,
            };
            if (repeated)
            {
                throw Broken($"tensor {Quote(name)} has two values of {key}");
            }

            switch (key)
            {
                case "dtype" when reader.TokenType == JsonTokenType.String:
                    type = reader.GetString()!;
                    break;
                case "dtype":
                    throw Broken($"the dtype of tensor {Quote(name)} is {Describe(reader.TokenType)}, not a string");
                case "shape":
                    shape = ReadIntegers(name, key, ref reader);
                    break;
                case "data_offsets":
                    offsets = ReadIntegers(name, key, ref reader);
                    break;
                default:
                    throw Broken($"tensor {Quote(name)} has the unknown property {Quote(key)}");
            }
        }
        if (type is null || shape is null || offsets is null)
        {
            throw Broken($"tensor {Quote(name)} lacks {(type is null ? "dtype" : shape is null ? "shape" : "data_offsets")}");
        }

        if (offsets.Length != 2 || offsets[0] > offsets[1])
        {
            throw Broken($"the data_offsets of tensor {Quote(name)} are not a begin and an end in this order");
        }

        return Sized(name, type, shape, offsets[0], offsets[1]);
    }

    private TensorEntry Sized(string name, string type, long[] shape, long begin, long end)
    {
        var dtype = TensorDTypes.Parse(type);
        try
        {
            long bytes = checked(TensorEntry.CountOf(shape) * dtype.Size());
            if (dtype != TensorDType.Unknown && bytes != end - begin)
            {
                throw Broken($"tensor {Quote(name)} of type {type} and shape {Abbreviate(shape)} needs {bytes} bytes, its offsets span {end - begin}");
            }

            return new TensorEntry(name, dtype, type, shape, checked(_dataStart + begin), end - begin);
        }
        catch (OverflowException e)
        {
            throw Broken($"tensor {Quote(name)} is larger than any file: shape {Abbreviate(shape)}, offsets {begin} to {end}", e);
        }
    }

    private long[] ReadIntegers(string name, string key, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw Broken($"the {key} of tensor {Quote(name)} is {Describe(reader.TokenType)}, not an array");
        }

        var values = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long value) || value < 0)
            {
                throw Broken($"the {key} of tensor {Quote(name)} holds something else than integers from 0 to 2^63-1");
            }

            values.Add(value);
        }
        return [.. values];
    }

    /// <summary>Sorts the tensors by position and demands that they tile the data section exactly.</summary>
    private void Arrange(long fileLength)
    {
        InFileOrder = [.. _byName.Values.OrderBy(entry => entry.Offset).ThenBy(entry => entry.Length)];
        long position = _dataStart;
        foreach (var entry in InFileOrder)
        {
            if (entry.Offset != position)
            {
                string fault = entry.Offset < position ? "overlap" : "leave a hole";
                var (found, expected) = (entry.Offset - _dataStart, position - _dataStart);
                throw Broken($"tensor {Quote(entry.Name)} begins at byte {found} of the data, where {expected} was expected: tensors {fault}");
            }
            position += entry.Length;
            if (position > fileLength)
            {
                var (found, expected) = (fileLength - _dataStart, position - _dataStart);
                throw Broken($"tensor {Quote(entry.Name)} ends at byte {expected} of the data, which has only {found}: the file is truncated");
            }
        }
        if (position != fileLength)
        {
            throw Broken($"its tensors cover {position - _dataStart} of the {fileLength - _dataStart} bytes of data");
        }
    }

    private StorageException Broken(string problem, Exception? inner = null) => Broken(_file, problem, inner);

    internal static StorageException Broken(string file, string problem, Exception? inner = null) =>
        new($"{file} is not a valid safetensors file: {problem}. It is damaged or of another format; copy or export it again.", inner);

    /// <summary>A name for a message: a hostile one may be megabytes long or hold control characters.</summary>
    internal static string Quote(string name)
    {
        string shown = name.Length > 120 ? string.Concat(name.AsSpan(0, 120), "…") : name;
        return "'" + string.Concat(shown.Select(c => char.IsControl(c) ? '?' : c)) + "'";
    }

    private static string Abbreviate(long[] shape) => shape.Length <= 8 ? TensorEntry.Format(shape) : $"of {shape.Length} extents";

    private static string Describe(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.Null => "null",
        _ => "true or false",
    };
}
