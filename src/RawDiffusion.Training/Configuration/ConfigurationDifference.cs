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

    /// <summary>Every key in which two configurations differ, in the order of the records.</summary>
    public static IReadOnlyList<ConfigurationDifference> Between(RunConfig first, RunConfig second) =>
        [.. Flatten(RunConfigJson.ToJson(first))
            .Zip(Flatten(RunConfigJson.ToJson(second)), (a, b) => new ConfigurationDifference(a.Key, a.Value, b.Value))
            .Where(pair => pair.First != pair.Second)];

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
