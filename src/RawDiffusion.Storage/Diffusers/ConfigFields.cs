using System.Text.Json;
using System.Text.Json.Nodes;

namespace RawDiffusion.Storage;

/// <summary>
/// Reads the typed fields of a hub configuration, collecting everything that is wrong with it instead of stopping at the first.
/// A missing field takes its default.
/// </summary>
internal sealed class ConfigFields(JsonObject json, string file, List<string> problems)
{
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    public void Problem(string text) => problems.Add($"{file}: {text}");

    public int Int(string key, int fallback, int least = 1) =>
        Take(key) is not { } node ? fallback : IntOf(node, key, least, $"an integer of at least {least}") ?? fallback;

    /// <summary>An integer that may be null, which is a value of its own and not the default.</summary>
    public int? OptionalInt(string key, int? fallback, int least = 1) =>
        !json.ContainsKey(key) ? fallback : Take(key) is not { } node ? null : IntOf(node, key, least, $"null or an integer of at least {least}");

    public double Number(string key, double fallback, double least, double most)
    {
        if (Take(key) is not { } node)
            return fallback;
        if (NumberOf(node) is var number && number >= least && number <= most)
            return number;
        Wrong(node, key, $"a number from {least} to {most}");
        return fallback;
    }

    public bool Flag(string key, bool fallback)
    {
        if (Take(key) is not { } node)
            return fallback;
        if (node.GetValueKind() is JsonValueKind.True or JsonValueKind.False)
            return node.GetValue<bool>();
        Wrong(node, key, "true or false");
        return fallback;
    }

    /// <summary>One of several words; the first is the default.</summary>
    public string Choice(string key, params string[] supported)
    {
        if (Take(key) is not { } node)
            return supported[0];
        if (node.GetValueKind() == JsonValueKind.String && supported.Contains(node.GetValue<string>()))
            return node.GetValue<string>();
        Wrong(node, key, string.Join(" or ", supported.Distinct().Select(word => $"\"{word}\"")));
        return supported[0];
    }

    public string[] Words(string key, string[] fallback, string[] supported)
    {
        if (Take(key) is not { } node)
            return fallback;
        var words = Items(node).Select(item => item?.GetValueKind() == JsonValueKind.String ? item.GetValue<string>() : "").ToArray();
        if (words.Length > 0 && words.All(supported.Contains))
            return words;
        Wrong(node, key, $"a list of {string.Join(" or ", supported)}");
        return fallback;
    }

    public int[] Ints(string key, int[] fallback)
    {
        if (Take(key) is not { } node)
            return fallback;
        var values = Items(node).Select(item => item is JsonValue value && value.TryGetValue(out int number) ? number : 0).ToArray();
        if (values.Length > 0 && values.All(value => value > 0))
            return values;
        Wrong(node, key, "a list of positive integers");
        return fallback;
    }

    /// <summary>A height and width: one number for both, or a list of the two.</summary>
    public (int Height, int Width)? OptionalSize(string key)
    {
        if (json[key] is not JsonArray)
            return OptionalInt(key, null) is { } side ? (side, side) : null;
        if (Ints(key, []) is [var height, var width])
            return (height, width);
        Wrong(json[key], key, "null, a positive integer, or a height and a width");
        return null;
    }

    public double[]? OptionalNumbers(string key, double least, double most)
    {
        if (Take(key) is not { } node)
            return null;
        var values = Items(node).Select(NumberOf).ToArray();
        if (values.Length > 0 && values.All(value => value >= least && value <= most))
            return values;
        Wrong(node, key, $"null or a list of numbers from {least} to {most}");
        return null;
    }

    /// <summary>A field that is supported only where it has one value.</summary>
    public void Only(string key, JsonNode? supported)
    {
        if (json.ContainsKey(key) && !JsonNode.DeepEquals(Take(key), supported))
            Wrong(json[key], key, supported is null ? "null" : supported.ToJsonString());
    }

    /// <summary>Fields that change nothing here, whatever their value.</summary>
    public void Ignore(params string[] keys) => _seen.UnionWith(keys);

    /// <summary>Reports the fields that were not asked for; names that begin with an underscore are the writer's own notes.</summary>
    public void RejectOthers()
    {
        foreach (var (key, value) in json)
        {
            if (!key.StartsWith('_') && !_seen.Contains(key))
                Problem($"the key {key} ({Show(value)}) is not known, and may change what the network computes");
        }
    }

    private JsonNode? Take(string key)
    {
        _seen.Add(key);
        return json[key];
    }

    private static IEnumerable<JsonNode?> Items(JsonNode node) => node as JsonArray ?? [];

    /// <summary>A number's value; NaN, which lies in no range, for anything else.</summary>
    private static double NumberOf(JsonNode? node) =>
        node?.GetValueKind() == JsonValueKind.Number && node.AsValue().TryGetValue(out double number) ? number : double.NaN;

    private int? IntOf(JsonNode node, string key, int least, string expected)
    {
        if (node is JsonValue value && value.TryGetValue(out int number) && number >= least)
            return number;
        Wrong(node, key, expected);
        return null;
    }

    private void Wrong(JsonNode? node, string key, string expected) => Problem($"{key} is {Show(node)}; supported is {expected}");

    private static string Show(JsonNode? node)
    {
        var text = node?.ToJsonString() ?? "null";
        return text.Length <= 80 ? text : string.Concat(text.AsSpan(0, 80), "…");
    }
}
