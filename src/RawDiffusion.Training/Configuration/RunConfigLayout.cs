using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace RawDiffusion.Training.Configuration;

/// <summary>
/// Where <c>config.json</c> has what <see cref="RunConfig"/> has elsewhere: a property of the run whose name has a dot, such as
/// <c>network.conditional</c>, is written last in the section before the dot, though it is none of that section's record.
/// </summary>
internal static class RunConfigLayout
{
    /// <summary>A configuration as the records have it, moved to how it is written.</summary>
    public static JsonObject ToStored(JsonObject config)
    {
        foreach (var (section, name, key) in Guests())
        {
            if (config.Remove(key, out var value))
            {
                ((JsonObject)config[section]!)[name] = value;
            }
        }
        return config;
    }

    /// <summary>The configuration that a complete file holds.</summary>
    public static RunConfig FromStored(JsonObject stored)
    {
        var config = (JsonObject)stored.DeepClone();
        foreach (var (section, name, key) in Guests())
        {
            if (((JsonObject)config[section]!).Remove(name, out var value))
            {
                config[key] = value;
            }
        }
        return config.Deserialize(RunConfigContext.Default.RunConfig)!;
    }

    /// <summary>The keys of a section, with the properties that hold their values.</summary>
    /// <param name="type">The section's record.</param>
    /// <param name="prefix">The section's name and a dot; nothing for the run's own.</param>
    public static IEnumerable<(string Name, JsonPropertyInfo Property)> Properties(JsonTypeInfo type, string prefix) =>
        type.Properties.Where(property => !property.Name.Contains('.')).Select(property => (property.Name, property))
            .Concat(prefix.Length == 0 ? [] : RunConfigContext.Default.RunConfig.Properties
                .Where(property => property.Name.StartsWith(prefix, StringComparison.Ordinal)).Select(property => (property.Name[prefix.Length..], property)));

    private static IEnumerable<(string Section, string Name, string Key)> Guests() =>
        from property in RunConfigContext.Default.RunConfig.Properties
        let dot = property.Name.IndexOf('.', StringComparison.Ordinal)
        where dot > 0
        select (property.Name[..dot], property.Name[(dot + 1)..], property.Name);
}
