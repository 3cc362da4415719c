using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// The weights of a folder in diffusers' layout under today's names, in diffusers' own layout: convolutions [out, in, height, width], linear
/// layers [out, in]; in one file, or in several that an index names, of the usual variant or of the only one that is there, such as fp16. Older
/// files' attention (<c>query</c>, <c>key</c>, <c>value</c>, <c>proj_attn</c>, some as 1×1 convolutions) is renamed, and what PyTorch's wrappers put
/// before every name is left out.
/// </summary>
public sealed partial class DiffusersWeights : IDisposable
{
    /// <summary>The file, where there is one.</summary>
    internal const string FileName = "diffusion_pytorch_model.safetensors";

    private const string Stem = "diffusion_pytorch_model";

    private static readonly (string Old, string New)[] _attentionNames = [("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0")];

    private static readonly (string Prefix, string Writer)[] _wrappers = [("_orig_mod.", "torch.compile"), ("module.", "DataParallel")];

    private readonly IReadOnlyList<SafetensorsReader> _readers;
    private readonly List<string> _notes = [];
    private readonly Dictionary<string, (SafetensorsReader Reader, string Name)> _stored = new(StringComparer.Ordinal);

    private DiffusersWeights(string path, IReadOnlyList<SafetensorsReader> readers)
    {
        (Path, _readers) = (path, readers);
        string prefix = Prefix();
        var names = new List<string>();
        foreach (var reader in readers)
        {
            foreach (string stored in reader.Names)
            {
                string name = CurrentName(stored[prefix.Length..]);
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

    /// <summary>Sentences for people: what is not as usual about the files.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Opens the weights in the folder of a network.</summary>
    /// <exception cref="StorageException">They are missing, cannot be read or are damaged, or hold a weight under two names.</exception>
    public static DiffusersWeights In(string folder)
    {
        string[] files = [.. Directory.GetFiles(folder, Stem + "*").Select(path => System.IO.Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
        var whole = files.Select(file => (Name: file, Match: WholeName().Match(file))).Where(file => file.Match.Success)
            .Select(file => (file.Name, Variant: file.Match.Groups["variant"].Value)).ToArray();
        string[] variants = [.. whole.Select(file => file.Variant).Distinct()];
        if (variants.Length == 0 || (variants.Length > 1 && !variants.Contains("")))
        {
            throw Missing(folder, files);
        }
        string variant = variants.Contains("") ? "" : variants[0];
        // A single file goes before an index: both are there where someone joined the parts.
        string name = whole.Where(file => file.Variant == variant).Select(file => file.Name).OrderBy(file => file.EndsWith(".json", StringComparison.Ordinal)).First();
        string path = System.IO.Path.Combine(folder, name);
        var weights = Open(path, name.EndsWith(".json", StringComparison.Ordinal) ? Parts(path) : [path]);
        if (variant.Length > 0)
        {
            weights._notes.Add($"The weights are those of the variant {variant}, the only one in {folder}.");
        }
        return weights;
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

    private static StorageException Missing(string folder, string[] files)
    {
        string found = files.Length == 0 ? "" : $", only {string.Join(", ", files)}";
        string remedy = files.FirstOrDefault(file => file.EndsWith(".bin", StringComparison.Ordinal)) is not { } pickled
            ? files.Any(file => file.EndsWith(".safetensors", StringComparison.Ordinal)) ? $"Name the one to use {FileName}." : "Save the model in the safetensors format."
            : "A .bin file is a Python program, which is not run here. Where it can be trusted, turn it into safetensors in its folder: " +
                "python -c \"import torch, safetensors.torch as s; s.save_file({k: v.clone(memory_format=torch.contiguous_format) for k, v in " +
                $"torch.load('{pickled}', map_location='cpu', weights_only=True).items()}}, '{FileName}')\"";
        return new StorageException($"{folder} holds no {FileName}{found}. {remedy}");
    }

    /// <summary>What stands before every name: torch.compile and DataParallel wrap a network, and each puts a word before the names of what it wraps.</summary>
    private string Prefix()
    {
        string[] names = [.. _readers.SelectMany(reader => reader.Names)];
        string prefix = "";
        while (names.Length > 0 && _wrappers.FirstOrDefault(wrapper => names.All(name => name.AsSpan(prefix.Length).StartsWith(wrapper.Prefix))) is { Prefix: { } next } wrapper)
        {
            prefix += next;
            _notes.Add($"{Path} has \"{next}\" before every name, as {wrapper.Writer} puts it; it is left out.");
        }
        return prefix;
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

    [GeneratedRegex(@"^diffusion_pytorch_model((\.(?<variant>[^.-]+))?\.safetensors|\.safetensors\.index(\.(?<variant>[^.]+))?\.json)$", RegexOptions.ExplicitCapture)]
    private static partial Regex WholeName();
}
