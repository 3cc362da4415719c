using System.Text.Json;
using System.Text.Json.Nodes;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// The weights of a folder in diffusers' layout under today's names, in diffusers' own layout: convolutions [out, in, height, width], linear
/// layers [out, in]; in one file, or in several that an index names. Older files' attention (<c>query</c>, <c>key</c>, <c>value</c>,
/// <c>proj_attn</c>, some as 1×1 convolutions) is renamed.
/// </summary>
public sealed class DiffusersWeights : IDisposable
{
    /// <summary>The file, where there is one.</summary>
    internal const string FileName = "diffusion_pytorch_model.safetensors";

    private const string IndexName = FileName + ".index.json";

    private static readonly (string Old, string New)[] _attentionNames = [("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0")];

    private readonly IReadOnlyList<SafetensorsReader> _readers;
    private readonly Dictionary<string, (SafetensorsReader Reader, string Name)> _stored = new(StringComparer.Ordinal);

    private DiffusersWeights(string path, IReadOnlyList<SafetensorsReader> readers)
    {
        (Path, _readers) = (path, readers);
        var names = new List<string>();
        foreach (var reader in readers)
        {
            foreach (string stored in reader.Names)
            {
                string name = CurrentName(stored);
                if (!_stored.TryAdd(name, (reader, stored)))
                {
                    throw new StorageException($"{reader.Path} holds {stored}, and {_stored[name].Reader.Path} holds {_stored[name].Name}, which are two names " +
                        $"of one weight. Remove one.");
                }
                names.Add(name);
            }
        }
        Names = names;
    }

    /// <summary>The weights' names, in the files' order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The file, or the index of several.</summary>
    public string Path { get; }

    /// <summary>Opens the weights in the folder of a network.</summary>
    /// <exception cref="StorageException">They are missing, cannot be read or are damaged, or hold a weight under two names.</exception>
    public static DiffusersWeights In(string folder)
    {
        string file = System.IO.Path.Combine(folder, FileName), index = System.IO.Path.Combine(folder, IndexName);
        if (File.Exists(file))
        {
            return Open(file, [file]);
        }
        if (File.Exists(index))
        {
            return Open(index, Parts(index));
        }
        string[] others = [.. Directory.GetFiles(folder, "diffusion_pytorch_model*").Select(path => System.IO.Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
        string found = others.Length == 0 ? "" : $", only {string.Join(", ", others)}";
        throw new StorageException($"{folder} holds no {FileName}{found}. Save the model in the safetensors format.");
    }

    /// <summary>Whether there is a weight of this name.</summary>
    public bool Contains(string name) => _stored.ContainsKey(name);

    /// <summary>A weight's extents; an attention's linear layer stored as a 1×1 convolution counts as [out, in].</summary>
    /// <exception cref="StorageException">There is no such weight.</exception>
    public long[] ShapeOf(string name)
    {
        var (reader, stored) = Stored(name);
        long[] shape = reader.Entry(stored).Shape;
        return shape is [_, _, 1, 1] && IsAttentionLinear(name) ? shape[..2] : shape;
    }

    /// <summary>Reads a weight.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="destination">As many elements as it has.</param>
    /// <exception cref="StorageException">There is no such weight, it has another size or type, or the file cannot be read.</exception>
    public void ReadFloats(string name, Span<float> destination)
    {
        var (reader, stored) = Stored(name);
        reader.ReadFloats(stored, destination);
    }

    /// <summary>Reads a weight into a new array.</summary>
    /// <exception cref="StorageException">As <see cref="ReadFloats(string, Span{float})"/>.</exception>
    public float[] ReadFloats(string name)
    {
        var (reader, stored) = Stored(name);
        return reader.ReadFloats(stored);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var reader in _readers)
        {
            reader.Dispose();
        }
    }

    private static DiffusersWeights Open(string path, IEnumerable<string> files)
    {
        var readers = new List<SafetensorsReader>();
        try
        {
            foreach (string file in files)
            {
                readers.Add(SafetensorsReader.Open(file));
            }
            return new DiffusersWeights(path, readers);
        }
        catch
        {
            readers.ForEach(reader => reader.Dispose());
            throw;
        }
    }

    /// <summary>The files that an index names, each once.</summary>
    private static IEnumerable<string> Parts(string index)
    {
        if (JsonFile.Read(index).Json["weight_map"] is not JsonObject map || map.Any(weight => weight.Value?.GetValueKind() != JsonValueKind.String))
        {
            throw new StorageException($"{index} holds no weight_map from names to files. Save the model again.");
        }
        string[] names = [.. map.Select(weight => weight.Value!.GetValue<string>()).Distinct().Order(StringComparer.Ordinal)];
        return names.FirstOrDefault(name => System.IO.Path.GetFileName(name) != name) is { } elsewhere
            ? throw new StorageException($"{index} names '{elsewhere}', which is no file beside it. Save the model again.")
            : names.Select(name => System.IO.Path.Combine(System.IO.Path.GetDirectoryName(index)!, name));
    }

    private (SafetensorsReader Reader, string Name) Stored(string name) => _stored.TryGetValue(name, out var stored) ? stored : (_readers[0], name);

    private static string CurrentName(string stored)
    {
        if (!stored.Contains(".attentions.", StringComparison.Ordinal))
        {
            return stored;
        }
        int end = stored.LastIndexOf('.'), start = stored.LastIndexOf('.', end - 1) + 1;
        foreach (var (old, current) in _attentionNames)
        {
            if (stored.AsSpan(start, end - start).SequenceEqual(old))
            {
                return string.Concat(stored.AsSpan(0, start), current, stored.AsSpan(end));
            }
        }
        return stored;
    }

    private static bool IsAttentionLinear(string name) =>
        name.Contains(".attentions.", StringComparison.Ordinal) && _attentionNames.Any(pair => name.EndsWith($".{pair.New}.weight", StringComparison.Ordinal));
}
