using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RawDiffusion.Pipelines;

/// <summary>
/// Reads the typed fields of a configuration of diffusers, collecting everything that is wrong with it instead of stopping at the first.
/// A missing field takes its default.
/// </summary>
internal sealed class ConfigFields(JsonObject json, string file, List<string> problems)
{
    private static readonly JsonSerializerOptions _readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    public JsonObject Json => json;

    public void Problem(string text) => problems.Add($"{file}: {text}");

    public int Int(string key, int missing, int least = 1, int most = int.MaxValue)
    {
        string expected = most == int.MaxValue ? $"an integer of at least {least}" : $"{least} or {most}";
        return Take(key) is not { } node ? missing : IntOf(node, key, least, most, expected) ?? missing;
    }

    /// <summary>An integer that may be null, which is a value of its own and not the default.</summary>
    public int? OptionalInt(string key, int? missing, int least = 1) =>
        !json.ContainsKey(key) ? missing : Take(key) is not { } node ? null : IntOf(node, key, least, int.MaxValue, $"null or an integer of at least {least}");

    public double Number(string key, double missing, double least, double most)
    {
        if (Take(key) is not { } node)
        {
            return missing;
        }
        if (NumberOf(node) is var number && number >= least && number <= most)
        {
            return number;
        }
        Wrong(node, key, $"a number from {least} to {most}");
        return missing;
    }

    public bool Flag(string key, bool missing)
    {
        if (Take(key) is not { } node)
        {
            return missing;
        }
        if (node.GetValueKind() is JsonValueKind.True or JsonValueKind.False)
        {
            return node.GetValue<bool>();
        }
        Wrong(node, key, "true or false");
        return missing;
    }

    /// <summary>One of several words.</summary>
    public string Choice(string key, string missing, params string[] supported)
    {
        if (Take(key) is not { } node)
        {
            return missing;
        }
        if (node.GetValueKind() == JsonValueKind.String && supported.Contains(node.GetValue<string>()))
        {
            return node.GetValue<string>();
        }
        Wrong(node, key, string.Join(" or ", supported.Distinct().Select(word => $"\"{word}\"")));
        return missing;
    }

    public string[] Words(string key, string[] missing, string[] supported)
    {
        if (Take(key) is not { } node)
        {
            return missing;
        }
        string[] words = [.. Items(node).Select(item => item?.GetValueKind() == JsonValueKind.String ? item.GetValue<string>() : "")];
        if (words.Length > 0 && words.All(supported.Contains))
        {
            return words;
        }
        Wrong(node, key, $"a list of {string.Join(" or ", supported)}");
        return missing;
    }

    public int[] Ints(string key, int[] missing)
    {
        if (Take(key) is not { } node)
        {
            return missing;
        }
        int[] values = [.. Items(node).Select(item => item is JsonValue value && value.TryGetValue(out int number) ? number : 0)];
        if (values.Length > 0 && values.All(value => value > 0))
        {
            return values;
        }
        Wrong(node, key, "a list of positive integers");
        return missing;
    }

    /// <summary>A height and width: one number for both, or a list of the two.</summary>
    public (int Height, int Width)? OptionalSize(string key)
    {
        if (json[key] is not JsonArray)
        {
            return OptionalInt(key, null) is { } side ? (side, side) : null;
        }
        if (Ints(key, []) is [int height, int width])
        {
            return (height, width);
        }
        Wrong(json[key], key, "null, a positive integer, or a height and a width");
        return null;
    }

    public double[]? OptionalNumbers(string key, double least, double most)
    {
        if (Take(key) is not { } node)
        {
            return null;
        }
        double[] values = [.. Items(node).Select(NumberOf)];
        if (values.Length > 0 && values.All(value => value >= least && value <= most))
        {
            return values;
        }
        Wrong(node, key, $"null or a list of numbers from {least} to {most}");
        return null;
    }

    /// <summary>A field that is supported only where it has one value, or another word for it.</summary>
    public void Only(string key, params JsonNode?[] supported)
    {
        if (json.ContainsKey(key) && Take(key) is var node && !Array.Exists(supported, value => JsonNode.DeepEquals(node, value)))
        {
            Wrong(node, key, string.Join(" or ", supported.Select(Show)));
        }
    }

    /// <summary>Fields that change nothing here, whatever their value.</summary>
    public void Ignore(params IEnumerable<string> keys) => _seen.UnionWith(keys);

    /// <summary>Reports the fields that were not asked for; names that begin with an underscore are the writer's own notes.</summary>
    /// <param name="className">The class that does not have them.</param>
    public void RejectOthers(string className)
    {
        foreach (var (key, value) in json)
        {
            if (!key.StartsWith('_') && !_seen.Contains(key))
            {
                Problem($"the key {key} ({Show(value)}) of {className} is not known, and may change what the model computes");
            }
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

    private int? IntOf(JsonNode node, string key, int least, int most, string expected)
    {
        if (node is JsonValue value && value.TryGetValue(out int number) && number >= least && number <= most)
        {
            return number;
        }
        Wrong(node, key, expected);
        return null;
    }

    private void Wrong(JsonNode? node, string key, string expected) => Problem($"{key} is {Show(node)}; supported is {expected}");

    private static string Show(JsonNode? node)
    {
        string text = node?.ToJsonString(_readable) ?? "null";
        return text.Length <= 80 ? text : string.Concat(text.AsSpan(0, 80), "…");
    }
}
