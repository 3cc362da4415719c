using System.Text.Json;
using Parquet.Schema;
using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>Which columns of a Parquet file are the images and their classes.</summary>
/// <param name="Images">The images' bytes.</param>
/// <param name="Labels">The classes; null if there are none.</param>
/// <param name="ClassNames">The classes' names; null if they have none.</param>
internal sealed record ParquetColumns(DataField Images, DataField? Labels, IReadOnlyList<string>? ClassNames)
{
    private const string NoteKey = "huggingface";
    private static readonly string[] ImageNames = ["image", "img"], LabelNames = ["label", "labels", "fine_label"];

    /// <summary>Finds them: by what the file notes of its features, or else by their names.</summary>
    /// <exception cref="DataException">There are no images, or several columns of them.</exception>
    public static ParquetColumns Of(ParquetShard shard)
    {
        var features = Features(shard);
        string[] OfType(string type) => [.. features.Where(feature => feature.Value.Type == type).Select(feature => feature.Key)];
        // The image itself, or the bytes beside its path.
        DataField? Bytes(string name) => shard.Fields.FirstOrDefault(field =>
            field.ClrType == typeof(ReadOnlyMemory<byte>) && field.Path.ToString() is var path && (path == name || path == $"{name}/bytes"));
        DataField? Numbers(string name) => shard.Fields.FirstOrDefault(field =>
            (field.ClrType == typeof(long) || field.ClrType == typeof(int)) && field.Path.ToString() == name);

        string found = string.Join(", ", shard.Fields.Take(10).Select(field => field.Path.ToString())) + (shard.Fields.Count > 10 ? ", …" : "");
        string? image = Choose(OfType("Image"), ImageNames) ?? ImageNames.FirstOrDefault(name => Bytes(name) is not null);
        if (image is null || Bytes(image) is not { } images)
        {
            throw new DataException($"{shard.Path} holds no images that are known: its columns are {found}. Expected is a column {string.Join(" or ", ImageNames)} of bytes, " +
                $"or of bytes and a path; rename it, or write the pictures into class folders.");
        }
        string? label = Choose(OfType("ClassLabel"), LabelNames) ?? LabelNames.FirstOrDefault(name => Numbers(name) is not null);
        var labels = label is null ? null : Numbers(label);
        return new ParquetColumns(images, labels, labels is null ? null : features.GetValueOrDefault(label!).Names);
    }

    // The first of the usual names, or else the only one.
    private static string? Choose(string[] names, string[] usual) => usual.FirstOrDefault(names.Contains) ?? (names.Length == 1 ? names[0] : null);

    private static Dictionary<string, (string Type, string[]? Names)> Features(ParquetShard shard)
    {
        var features = new Dictionary<string, (string, string[]?)>(StringComparer.Ordinal);
        if (shard.Note(NoteKey) is not { } note)
        {
            return features;
        }
        try
        {
            using var json = JsonDocument.Parse(note);
            if (Member(Member(json.RootElement, "info"), "features") is { ValueKind: JsonValueKind.Object } all)
            {
                foreach (var feature in all.EnumerateObject())
                {
                    string type = Member(feature.Value, "_type") is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "";
                    string[]? names = Member(feature.Value, "names") is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray().Select(name => name.ToString())] : null;
                    features[feature.Name] = (type, names);
                }
            }
            return features;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new DataException($"{shard.Path}: its note \"{NoteKey}\", which names the classes, is no valid JSON: {e.Message} Fetch the file again.", e);
        }
    }

    private static JsonElement Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;
}
