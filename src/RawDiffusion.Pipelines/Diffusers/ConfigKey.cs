using System.Text.Json.Nodes;

namespace RawDiffusion.Pipelines;

/// <summary>One key of a configuration of diffusers: how a value comes from the file, and how it goes there.</summary>
/// <typeparam name="T">What the configuration means here: a record.</typeparam>
/// <param name="Name">The key.</param>
/// <param name="Read">The record with the file's value, or with the default that readers of the format assume for a missing key.</param>
/// <param name="Write">The value in the file; null leaves the key to its default.</param>
internal sealed record ConfigKey<T>(string Name, Func<ConfigFields, T, T> Read, Func<T, JsonNode?>? Write)
{
    public static ConfigKey<T> Int(string name, Func<T, int> get, Func<T, int, T> set, int missing, int least = 1, int most = int.MaxValue) =>
        new(name, (fields, record) => set(record, fields.Int(name, missing, least, most)), record => get(record));

    public static ConfigKey<T> OptionalInt(string name, Func<T, int?> get, Func<T, int?, T> set, int? missing) =>
        new(name, (fields, record) => set(record, fields.OptionalInt(name, missing)), record => get(record) is { } value ? value : null);

    public static ConfigKey<T> Number(string name, Func<T, double> get, Func<T, double, T> set, double missing, double least, double most) =>
        new(name, (fields, record) => set(record, fields.Number(name, missing, least, most)), record => get(record));

    public static ConfigKey<T> Flag(string name, Func<T, bool> get, Func<T, bool, T> set, bool missing) =>
        new(name, (fields, record) => set(record, fields.Flag(name, missing)), record => get(record));

    /// <summary>One of several words; a missing key means <paramref name="missing"/>.</summary>
    public static ConfigKey<T> Choice(string name, string[] words, Func<T, string> get, Func<T, string, T> set, string missing) =>
        new(name, (fields, record) => set(record, fields.Choice(name, missing, words)), record => get(record));

    public static ConfigKey<T> Ints(string name, Func<T, IReadOnlyList<int>> get, Func<T, IReadOnlyList<int>, T> set, int[] missing) =>
        new(name, (fields, record) => set(record, fields.Ints(name, missing)), record => Array(get(record), value => value));

    /// <summary>A key that is supported with one value only: the one that is written, or another word for it.</summary>
    public static ConfigKey<T> Fixed(string name, JsonNode? value, params JsonNode?[] sameAs) => new(
        name,
        (fields, record) =>
        {
            fields.Only(name, [value, .. sameAs]);
            return record;
        },
        _ => value?.DeepClone());

    public static JsonArray Array<TItem>(IEnumerable<TItem> values, Func<TItem, JsonNode?> node) => new([.. values.Select(node)]);
}
