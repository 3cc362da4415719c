using System.Globalization;

namespace RawDiffusion.Core;

/// <summary>Collects what a configuration violates, so that one look names every mistake.</summary>
public sealed class ConfigurationRules
{
    private readonly List<ConfigurationProblem> _problems = [];

    /// <summary>What was violated so far, in the order it was looked at.</summary>
    public IReadOnlyList<ConfigurationProblem> Problems => _problems;

    /// <summary>A value as messages show it.</summary>
    public static string Show(object? value) => value switch
    {
        null => "null",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    /// <summary>Notes a problem unless the condition holds.</summary>
    /// <param name="condition">What must hold.</param>
    /// <param name="key">The dotted key.</param>
    /// <param name="value">Its value.</param>
    /// <param name="expected">What it must be.</param>
    public void Require(bool condition, string key, object? value, string expected)
    {
        if (!condition)
        {
            _problems.Add(new ConfigurationProblem(key, Show(value), expected));
        }
    }

    /// <summary>Notes a problem if a number is below <paramref name="least"/>.</summary>
    public void AtLeast(string key, long value, long least) => Require(value >= least, key, value, $"at least {least}");

    /// <summary>Notes a problem that was found elsewhere.</summary>
    public void Add(ConfigurationProblem problem) => _problems.Add(problem);
}
