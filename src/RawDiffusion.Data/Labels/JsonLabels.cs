using System.Globalization;
using System.Text.Json;

namespace RawDiffusion.Data;

/// <summary>Labels that JSON tells.</summary>
internal static class JsonLabels
{
    private static readonly string[] _labelKeys = ["label", "class", "cls", "class_name"];

    /// <summary>
    /// A <c>dataset.json</c> as the data tools of StyleGAN and EDM write it: {"labels": [[name, class], …]}, the class a number or a one-hot vector,
    /// or {"labels": null}.
    /// </summary>
    /// <returns>The class of each name; empty where it says that there are none; null if the file is something else.</returns>
    /// <exception cref="FormatException">A label is neither.</exception>
    public static Dictionary<string, string>? ParseDataset(byte[] file)
    {
        using var json = Parse(file);
        if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("labels", out var labels))
        {
            return null;
        }
        var classes = new Dictionary<string, string>(StringComparer.Ordinal);
        if (labels.ValueKind == JsonValueKind.Array)
        {
            foreach (var pair in labels.EnumerateArray())
            {
                if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2 || pair[0].ValueKind != JsonValueKind.String)
                {
                    throw new FormatException($"an entry is {Shorten(pair)} instead of [name, class]");
                }
                classes[pair[0].GetString()!.Replace('\\', '/')] = Whole(pair[1]) ?? OneHot(pair[1])
                    ?? throw new FormatException($"the label of {pair[0].GetString()} is {Shorten(pair[1])}, neither a class nor a one-hot vector");
            }
        }
        else if (labels.ValueKind != JsonValueKind.Null)
        {
            throw new FormatException($"its labels are {Shorten(labels)} instead of a list or null");
        }
        return classes;
    }

    /// <summary>A table of a JSON object a line, such as <c>metadata.jsonl</c>.</summary>
    /// <exception cref="FormatException">A line is something else.</exception>
    public static LabelTable ParseLines(byte[] file)
    {
        var columns = new List<string>();
        var rows = new List<Dictionary<string, string?>>();
        string[] lines = new StreamReader(new MemoryStream(file)).ReadToEnd().Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(lines[i]))
            {
                continue;
            }
            using var json = Parse(System.Text.Encoding.UTF8.GetBytes(lines[i]));
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new FormatException($"line {i + 1} is no JSON object");
            }
            var row = new Dictionary<string, string?>(StringComparer.Ordinal);
            foreach (var property in json.RootElement.EnumerateObject())
            {
                row[property.Name] = Scalar(property.Value);
            }
            columns.AddRange(row.Keys.Except(columns).ToArray());
            rows.Add(row);
        }
        return new LabelTable(columns, [.. rows.Select(row => columns.Select(column => row.GetValueOrDefault(column)).ToArray())]);
    }

    /// <summary>The class in a JSON object beside an image; null if it tells none.</summary>
    /// <exception cref="FormatException">It is no JSON.</exception>
    public static string? ParseSidecar(byte[] file)
    {
        using var json = Parse(file);
        return json.RootElement.ValueKind == JsonValueKind.Object
            ? _labelKeys.Select(key => json.RootElement.TryGetProperty(key, out var value) ? Scalar(value) : null).FirstOrDefault(text => text is not null)
            : null;
    }

    private static JsonDocument Parse(byte[] file)
    {
        try
        {
            return JsonDocument.Parse(file.AsMemory(file is [0xEF, 0xBB, 0xBF, ..] ? 3 : 0));
        }
        catch (JsonException e)
        {
            throw new FormatException($"it is no JSON ({e.Message})", e);
        }
    }

    // A number that is whole is the same class however it is written.
    private static string? Whole(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.GetDouble() is var number && number == Math.Floor(number) && Math.Abs(number) < int.MaxValue
            ? ((int)number).ToString(CultureInfo.InvariantCulture) : null;

    private static string? Scalar(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String when value.GetString() is { } text && !string.IsNullOrWhiteSpace(text) => text.Trim(),
        JsonValueKind.Number => Whole(value) ?? value.GetRawText(),
        JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => null,
    };

    private static string? OneHot(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.Number))
        {
            return null;
        }
        double[] vector = [.. value.EnumerateArray().Select(item => item.GetDouble())];
        return vector.Count(item => item == 1) == 1 && vector.Count(item => item == 0) == vector.Length - 1
            ? Array.IndexOf(vector, 1.0).ToString(CultureInfo.InvariantCulture) : null;
    }

    private static string Shorten(JsonElement value) => value.GetRawText() is { Length: > 40 } text ? text[..40] + "…" : value.GetRawText();
}
