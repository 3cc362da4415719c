using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// The weights of a hub folder under today's names, in the hub's own layout: convolutions [out, in, height, width], linear layers
/// [out, in]. Older files' attention (<c>query</c>, <c>key</c>, <c>value</c>, <c>proj_attn</c>, some as 1×1 convolutions) is renamed.
/// </summary>
public sealed class HubWeights : IDisposable
{
    private static readonly (string Old, string New)[] AttentionNames = [("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0")];

    private readonly SafetensorsReader _reader;
    private readonly Dictionary<string, string> _stored = new(StringComparer.Ordinal);

    private HubWeights(SafetensorsReader reader)
    {
        _reader = reader;
        foreach (var stored in reader.Names)
        {
            var name = CurrentName(stored);
            if (!_stored.TryAdd(name, stored))
                throw new StorageException($"{reader.Path} holds both {stored} and {_stored[name]}, which are two names of one weight. Remove one.");
        }
        Names = [.. _stored.Keys];
    }

    /// <summary>The weights' names, in the file's order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The file.</summary>
    public string Path => _reader.Path;

    /// <summary>Opens a file of weights.</summary>
    /// <exception cref="StorageException">It cannot be read or is damaged, or holds a weight under two names.</exception>
    public static HubWeights Open(string path)
    {
        var reader = SafetensorsReader.Open(path);
        try
        {
            return new HubWeights(reader);
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>Whether there is a weight of this name.</summary>
    public bool Contains(string name) => _stored.ContainsKey(name);

    /// <summary>A weight's extents; an attention's linear layer stored as a 1×1 convolution counts as [out, in].</summary>
    /// <exception cref="StorageException">There is no such weight.</exception>
    public long[] ShapeOf(string name)
    {
        var shape = _reader.Entry(Stored(name)).Shape;
        return shape is [_, _, 1, 1] && IsAttentionLinear(name) ? shape[..2] : shape;
    }

    /// <summary>Reads a weight.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="destination">As many elements as it has.</param>
    /// <exception cref="StorageException">There is no such weight, it has another size or type, or the file cannot be read.</exception>
    public void ReadFloats(string name, Span<float> destination) => _reader.ReadFloats(Stored(name), destination);

    /// <summary>Reads a weight into a new array.</summary>
    /// <exception cref="StorageException">As <see cref="ReadFloats(string, Span{float})"/>.</exception>
    public float[] ReadFloats(string name) => _reader.ReadFloats(Stored(name));

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();

    private string Stored(string name) => _stored.GetValueOrDefault(name, name);

    private static string CurrentName(string stored)
    {
        if (!stored.Contains(".attentions.", StringComparison.Ordinal))
            return stored;
        var end = stored.LastIndexOf('.');
        var start = stored.LastIndexOf('.', end - 1) + 1;
        foreach (var (old, current) in AttentionNames)
        {
            if (stored.AsSpan(start, end - start).SequenceEqual(old))
                return string.Concat(stored.AsSpan(0, start), current, stored.AsSpan(end));
        }
        return stored;
    }

    private static bool IsAttentionLinear(string name) =>
        name.Contains(".attentions.", StringComparison.Ordinal) && AttentionNames.Any(pair => name.EndsWith($".{pair.New}.weight", StringComparison.Ordinal));
}
