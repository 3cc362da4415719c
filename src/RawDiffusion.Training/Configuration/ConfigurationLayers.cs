using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Diffusion;

namespace RawDiffusion.Training.Configuration;

/// <summary>
/// A complete configuration as JSON, onto which partial ones are laid one after the other. Each key is checked against the records as
/// it is laid; what does not fit is left out and reported, so that one pass finds every mistake.
/// </summary>
internal sealed class ConfigurationLayers
{
    private readonly JsonObject _complete;
    private readonly List<ConfigurationProblem> _problems;

    public ConfigurationLayers(RunConfig lowest, List<ConfigurationProblem> problems) => (_complete, _problems) = (RunConfigJson.ToJson(lowest), problems);

    /// <summary>The configuration so far. It is complete, so no property is left to the deserializer's idea of a default.</summary>
    public RunConfig Config() => RunConfigLayout.FromStored(_complete);

    /// <summary>Lays a partial configuration over what is there.</summary>
    /// <param name="overlay">Any of the keys.</param>
    /// <param name="source">Where it comes from, for messages.</param>
    public void Apply(JsonObject overlay, string source)
    {
        // The keys of a newer layout are not worth complaining about one by one.
        if (overlay["format"] is JsonValue value && value.TryGetValue(out int format) && format > RunConfig.CurrentFormat)
        {
            _problems.Add(new("format", $"{format}", $"at most {RunConfig.CurrentFormat}")
            {
                Words = $"{source} has format {format}, but this program knows formats up to {RunConfig.CurrentFormat}: it was written by a newer version, use that one",
            });
            return;
        }
        Merge(_complete, overlay, RunConfigContext.Default.RunConfig, "", source);
    }

    /// <summary>Sets one key, such as <c>optimizer.ema_decay</c>, to a value.</summary>
    /// <param name="key">Names joined by dots.</param>
    /// <param name="value">The value.</param>
    /// <param name="source">What asked for it, such as <c>--lr</c>, for messages.</param>
    public void Set(string key, JsonNode? value, string source)
    {
        if (Find(key, source) is var (target, name, property))
        {
            Assign(target, name, property, key, value, source);
        }
    }

    /// <summary>Sets one key to a value written as text: JSON, with quotes around text left out.</summary>
    /// <param name="assignment"><c>key=value</c>.</param>
    public void Set(string assignment)
    {
        string source = $"--set {assignment}";
        int equals = assignment.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            Complain("", $"{source} is no assignment; expected key=value, such as --set optimizer.ema_decay=0.999");
            return;
        }
        var (key, text) = (assignment[..equals].Trim(), assignment[(equals + 1)..].Trim());
        if (Find(key, source) is not var (target, name, property))
        {
            return;
        }
        JsonNode? value;
        try
        {
            var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            value = (type == typeof(string) || type.IsEnum) && text is not ("null" or ['"', ..]) ? JsonValue.Create(text) : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            value = JsonValue.Create(text);
        }
        Assign(target, name, property, key, value, source);
    }

    private (JsonObject Target, string Name, JsonPropertyInfo Property)? Find(string key, string source)
    {
        var (target, type, prefix) = (_complete, (JsonTypeInfo)RunConfigContext.Default.RunConfig, "");
        string[] names = key.Split('.');
        for (int i = 0; ; i++)
        {
            var property = RunConfigLayout.Properties(type, prefix).FirstOrDefault(candidate => candidate.Name == names[i]).Property;
            if (property is null || names[0] is "format" or "dataset" or "preset")
            {
                Complain(key, names[0] switch
                {
                    "format" or "dataset" => $"{source}: {names[0]} is written by the program, it is not for setting",
                    "preset" => $"{source}: choose the preset with --preset",
                    _ => $"{source}: there is no key {key}{NearestKey(key)}{KeysBeside(prefix)}",
                });
                return null;
            }
            if (i == names.Length - 1)
            {
                return (target, names[i], property);
            }
            if (target[names[i]] is not JsonObject section)
            {
                Complain(key, $"{source}: {string.Join('.', names[..(i + 1)])} is a value, not a section");
                return null;
            }
            (target, type, prefix) = (section, TypeOf(property), $"{prefix}{names[i]}.");
        }
    }

    private void Merge(JsonObject target, JsonObject overlay, JsonTypeInfo type, string prefix, string source)
    {
        foreach (var (name, value) in overlay)
        {
            string key = prefix + name;
            if (RunConfigLayout.Properties(type, prefix).FirstOrDefault(candidate => candidate.Name == name).Property is not { } property)
            {
                Complain(key, $"{source}: there is no key {key}{NearestKey(key)}{KeysBeside(prefix)}");
            }
            else
            {
                Assign(target, name, property, key, value, source);
            }
        }
    }

    private void Assign(JsonObject target, string name, JsonPropertyInfo property, string key, JsonNode? value, string source)
    {
        var type = TypeOf(property);
        if (type.Kind == JsonTypeInfoKind.Object && target[name] is JsonObject existing)
        {
            if (value is JsonObject section)
            {
                Merge(existing, section, type, key + ".", source);
            }
            else
            {
                string names = string.Join(", ", ConfigurationKeys.All.Where(below => below.StartsWith(key + ".", StringComparison.Ordinal)));
                Complain(key, $"{source}: {key} is {Show(value)}, but it is a section; its keys are {names}");
            }
        }
        else if (Fits(value = Whole(value, property), property, type))
        {
            target[name] = value?.DeepClone();
        }
        else
        {
            _problems.Add(Misfit(property, key, value, source));
        }
    }

    private void Complain(string key, string words) => _problems.Add(new(key, "", "") { Words = words });

    private static ConfigurationProblem Misfit(JsonPropertyInfo property, string key, JsonNode? value, string source)
    {
        var known = KnownNames.Of(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType);
        return known is not null && value is JsonValue text && text.TryGetValue(out string? name)
            ? new(key, $"'{name}'", $"one of {string.Join(", ", known)}", KnownNames.Hint(name, known)) { Source = source }
            : new(key, Show(value), Expected(property)) { Words = $"{source}: {key} is {Show(value)}; expected {Expected(property)}" };
    }

    /// <summary>A whole number however it is written, as 1e5 or 8.0, for a key that takes one.</summary>
    private static JsonNode? Whole(JsonNode? value, JsonPropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        return (type == typeof(int) || type == typeof(long) || type == typeof(ulong))
            && value is JsonValue number && number.GetValueKind() == JsonValueKind.Number
            && decimal.TryParse(number.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out decimal exact) && exact == decimal.Truncate(exact)
            ? JsonNode.Parse(decimal.Truncate(exact).ToString("F0", CultureInfo.InvariantCulture))
            : value;
    }

    private static bool Fits(JsonNode? value, JsonPropertyInfo property, JsonTypeInfo type)
    {
        if (value is null)
        {
            return IsNullable(property);
        }
        try
        {
            value.Deserialize(type);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static JsonTypeInfo TypeOf(JsonPropertyInfo property) => RunConfigContext.Default.GetTypeInfo(property.PropertyType)!;

    private static bool IsNullable(JsonPropertyInfo property) => property.PropertyType.IsValueType
        ? Nullable.GetUnderlyingType(property.PropertyType) is not null
        : property.IsSetNullable;

    private static string Expected(JsonPropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        string what = type == typeof(bool) ? "true or false"
            : type == typeof(double) ? "a number"
            : type == typeof(ClipRange) ? "true, false or a number above 0"
            : type == typeof(ImageSize) ? "a whole number, or a height and a width such as [24, 32]"
            : type == typeof(string) ? "text"
            : type == typeof(ulong) ? "a whole number of at least 0"
            : type == typeof(int) || type == typeof(long) ? "a whole number"
            : KnownNames.Of(type) is { } known ? $"one of {string.Join(", ", known)}"
            : type == typeof(IReadOnlyList<int>) ? "a list of whole numbers, such as [32, 64]"
            : type == typeof(IReadOnlyList<double>) ? "a list of numbers, such as [0.1, 0.2]"
            : "a section as this program writes it";
        return IsNullable(property) ? what + ", or null" : what;
    }

    private static string Show(JsonNode? value)
    {
        string text = value?.ToJsonString() ?? "null";
        return text.Length <= 60 ? text : string.Concat(text.AsSpan(0, 60), "…");
    }

    /// <summary>
    /// Looks for the last name in the section that was meant, then in all, so that a forgotten or mistyped section is found too.
    /// </summary>
    private static string NearestKey(string key)
    {
        var keys = ConfigurationKeys.All;
        string last = KnownNames.KeyOf(LastName(key));
        string? section = key.Contains('.') ? NearestName.To(SectionOf(key), keys.Where(known => known.Contains('.')).Select(SectionOf).Distinct()) : null;
        if (section is not null && NearestName.To(last, keys.Where(known => SectionOf(known) == section).Select(LastName)) is { } inside)
        {
            return $" (did you mean {section}.{inside}?)";
        }
        if (section is null && NearestName.To(last, keys) is { } whole)
        {
            return $" (did you mean {whole}?)";
        }
        string? nearest = NearestName.To(last, keys.Select(LastName));
        return nearest is null ? "" : $" (did you mean {string.Join(" or ", keys.Where(candidate => LastName(candidate) == nearest))}?)";
    }

    /// <summary>What there is where a key was looked for in vain.</summary>
    private static string KeysBeside(string prefix) => prefix.Length == 0
        ? ""
        : $"; {prefix.TrimEnd('.')} has {string.Join(", ", ConfigurationKeys.All.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Select(LastName))}";

    private static string LastName(string key) => key[(key.LastIndexOf('.') + 1)..];

    private static string SectionOf(string key) => key.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot ? key[..dot] : "";
}
