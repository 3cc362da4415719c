using System.Text.Json.Nodes;

namespace RawDiffusion.Training.Configuration;

/// <summary>One key in which two configurations differ.</summary>
/// <param name="Key">Its dotted name, such as <c>optimizer.ema_decay</c>.</param>
/// <param name="First">Its value in the first, as JSON.</param>
/// <param name="Second">Its value in the second, as JSON.</param>
public sealed record ConfigurationDifference(string Key, string First, string Second)
{
    /// <summary><c>key: first → second</c>.</summary>
    public override string ToString() => $"{Key}: {First} → {Second}";

    /// <summary>Every key in which two configurations differ, in the order of the records; a key that one of them lacks is "absent" there.</summary>
    public static IReadOnlyList<ConfigurationDifference> Between(RunConfig first, RunConfig second)
    {
        var (a, b) = (Flatten(RunConfigJson.ToJson(first)).ToArray(), Flatten(RunConfigJson.ToJson(second)).ToArray());
        var (inFirst, inSecond) = (a.ToDictionary(leaf => leaf.Key, leaf => leaf.Value), b.ToDictionary(leaf => leaf.Key, leaf => leaf.Value));
        return [.. a.Concat(b).Select(leaf => leaf.Key).Distinct()
            .Select(key => new ConfigurationDifference(key, inFirst.GetValueOrDefault(key, "absent"), inSecond.GetValueOrDefault(key, "absent")))
            .Where(pair => pair.First != pair.Second)];
    }

    /// <summary>The keys of a complete configuration that hold values, not sections, by their dotted names.</summary>
    public static IEnumerable<(string Key, string Value)> Flatten(JsonObject section, string prefix = "")
    {
        foreach (var (name, value) in section)
        {
            if (value is JsonObject below)
            {
                foreach (var leaf in Flatten(below, $"{prefix}{name}."))
                {
                    yield return leaf;
                }
            }
            else
            {
                yield return (prefix + name, value?.ToJsonString() ?? "null");
            }
        }
    }
}
