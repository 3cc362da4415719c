using System.Text.Json.Nodes;

namespace RawDiffusion.Pipelines;

/// <summary>All keys of a class of diffusers: reading, writing and the message about an unknown key follow from one table.</summary>
/// <typeparam name="T">What the configuration means here: a record.</typeparam>
/// <param name="className">The class.</param>
/// <param name="keys">The keys, in the order of their names.</param>
/// <param name="ignored">Keys that may stand in such a file and change nothing, whatever their value.</param>
internal sealed class ConfigTable<T>(string className, ConfigKey<T>[] keys, params string[] ignored)
{
    /// <summary>The version of diffusers whose keys are written.</summary>
    public const string FormatVersion = "0.32.0";

    public string ClassName => className;

    public IEnumerable<string> Names => keys.Select(key => key.Name);

    /// <summary>Reads all keys.</summary>
    /// <param name="fields">The file.</param>
    /// <param name="start">What the record has where there is no key for it.</param>
    /// <param name="foreign">More keys that change nothing, unless they are among the table's.</param>
    public T Read(ConfigFields fields, T start, params IEnumerable<string> foreign)
    {
        fields.Ignore(ignored);
        fields.Ignore(foreign);
        var record = start;
        foreach (var key in keys)
        {
            record = key.Read(fields, record);
        }
        fields.RejectOthers(className);
        return record;
    }

    /// <summary>The file's contents, every key written, so that no reader's default ever matters.</summary>
    public JsonObject ToJson(T record)
    {
        var json = new JsonObject { ["_class_name"] = className, ["_diffusers_version"] = FormatVersion };
        foreach (var key in keys)
        {
            if (key.Write is { } write)
            {
                json[key.Name] = write(record);
            }
        }
        return json;
    }
}
