using System.Globalization;
using RawDiffusion.Core;

namespace RawDiffusion.Training.Configuration;

/// <summary>The device and its settings.</summary>
public sealed record DeviceConfig
{
    /// <summary>auto, cpu or cuda, or cuda:i.</summary>
    public string Name { get; init; } = "auto";

    /// <summary>How it computes.</summary>
    public Precision Precision { get; init; }

    /// <summary>CPU threads; 0 for all.</summary>
    public int Threads { get; init; }

    /// <summary>Whether a GPU runs whole training and sampling steps as captured graphs; the results are the same bits without.</summary>
    public bool Graphs { get; init; } = true;

    /// <summary>Notes everything that is wrong by itself; whether there is such a device shows when it is opened.</summary>
    public void Check(ConfigurationRules rules)
    {
        string[] names = ["auto", "cpu", "cuda"];
        bool numbered = Name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(Name.AsSpan("cuda:".Length), NumberStyles.None, CultureInfo.InvariantCulture, out _);
        if (!numbered && !names.Contains(Name))
        {
            rules.Add(new ConfigurationProblem("device.name", $"'{Name}'", $"one of {string.Join(", ", names)}, or cuda:i", KnownNames.Hint(Name, names)));
        }
        rules.Require(Threads is >= 0 and <= 1024, "device.threads", Threads, "from 0 (all) to 1024");
    }
}
