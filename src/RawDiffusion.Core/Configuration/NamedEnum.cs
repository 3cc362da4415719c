using System.Text.Json;
using System.Text.Json.Serialization;

namespace RawDiffusion.Core;

/// <summary>
/// The names that files and the command line have for an enum's values: those of <see cref="JsonStringEnumMemberNameAttribute"/>. The numbers
/// behind them are refused, as they mean nothing to a reader.
/// </summary>
/// <typeparam name="T">The enum, each value of which has a name of its own.</typeparam>
public sealed class NamedEnum<T>() : JsonStringEnumConverter<T>(namingPolicy: null, allowIntegerValues: false) where T : struct, Enum
{
    private static readonly Dictionary<T, string> _names = ReadNames();

    /// <summary>Every name, in the order of the values.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Enum.GetValues<T>().Select(value => _names[value])];

    /// <summary>A value's name.</summary>
    public static string NameOf(T value) => _names[value];

    /// <summary>The value of a name, or null if there is none.</summary>
    public static T? Find(string name)
    {
        foreach (var (value, itsName) in _names)
        {
            if (itsName == name)
            {
                return value;
            }
        }
        return null;
    }

    private static Dictionary<T, string> ReadNames()
    {
        var options = new JsonSerializerOptions();
        var converter = (JsonConverter<T>)new NamedEnum<T>().CreateConverter(typeof(T), options)!;
        var names = new Dictionary<T, string>();
        foreach (var value in Enum.GetValues<T>())
        {
            using var stream = new MemoryStream();
            using (var writer = new Utf8JsonWriter(stream))
            {
                converter.Write(writer, value, options);
            }
            names[value] = System.Text.Encoding.UTF8.GetString(stream.ToArray()).Trim('"');
        }
        return names;
    }
}
