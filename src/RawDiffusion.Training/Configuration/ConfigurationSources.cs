using System.Text.Json.Nodes;
using RawDiffusion.Core;

namespace RawDiffusion.Training.Configuration;

/// <summary>An option of the command line that stands for one key of the configuration.</summary>
/// <param name="Option">The option as it was written, such as <c>--lr</c>; for messages.</param>
/// <param name="Key">The key, such as <c>optimizer.learning_rate</c>.</param>
/// <param name="Value">Its value.</param>
public sealed record ExplicitOption(string Option, string Key, JsonNode? Value);

/// <summary>A configuration file that was read.</summary>
/// <param name="Path">Where it lies, for messages.</param>
/// <param name="Json">Any of the keys.</param>
public sealed record ConfigurationFile(string Path, JsonObject Json);

/// <summary>A configuration and everything that was wrong with its sources.</summary>
/// <param name="Config">What came of it; keys that were wrong have the value of the layer below.</param>
/// <param name="Problems">Empty if all was well.</param>
public sealed record BuiltConfiguration(RunConfig Config, IReadOnlyList<ConfigurationProblem> Problems);

/// <summary>What a configuration is made of, lowest layer first: preset, file, explicit options, settings.</summary>
public sealed record ConfigurationSources
{
    /// <summary>The preset asked for (<c>--preset</c>), or null.</summary>
    public string? Preset { get; init; }

    /// <summary>The file given (<c>--config</c>), or null.</summary>
    public ConfigurationFile? File { get; init; }

    /// <summary>Options with a key of their own, such as <c>--lr</c>.</summary>
    public IReadOnlyList<ExplicitOption> Options { get; init; } = [];

    /// <summary>Settings by key (<c>--set key=value</c>).</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>The preset that the sources name, <c>--preset</c> before the file's <c>preset</c>; null where they leave it open.</summary>
    public string? NamedPreset => Preset ?? (File?.Json["preset"] is JsonValue value && value.TryGetValue(out string? name) ? name : null);

    /// <summary>Lays defaults, preset, file, options and settings over one another.</summary>
    /// <param name="presetIfUnnamed">The preset where the sources name none; see <see cref="Presets.ForImages"/>.</param>
    public BuiltConfiguration Build(string presetIfUnnamed)
    {
        var problems = new List<ConfigurationProblem>();
        string name = NamedPreset ?? presetIfUnnamed;
        if (!Presets.All.TryGetValue(name, out var preset))
        {
            string presets = string.Join(", ", Presets.All.Keys), hint = NearestName.Suggestion(name, Presets.All.Keys);
            problems.Add(new("preset", name, presets, hint) { Words = $"there is no preset {name}{hint}; presets are {presets}" });
            preset = Presets.All[presetIfUnnamed];
        }
        var layers = new ConfigurationLayers(preset, problems);
        if (File is not null)
        {
            // A run's config.json may serve as the file: what it says of its data is found out anew.
            var rest = (JsonObject)File.Json.DeepClone();
            rest.Remove("dataset");
            // Its preset has been looked at, and --preset goes before it.
            if (NamedPreset is not null)
            {
                rest.Remove("preset");
            }
            layers.Apply(rest, File.Path);
        }
        foreach (var option in Options)
        {
            layers.Set(option.Key, option.Value, option.Option);
        }
        foreach (string setting in Settings)
        {
            layers.Set(setting);
        }
        return new BuiltConfiguration(layers.Config(), problems);
    }
}
