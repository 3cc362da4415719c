namespace RawDiffusion.Core;

/// <summary>One thing that is wrong with a configuration.</summary>
/// <param name="Key">The dotted key, such as <c>diffusion.timesteps</c>.</param>
/// <param name="Found">Its value, as messages show it.</param>
/// <param name="Expected">What it must be.</param>
/// <param name="Hint">What was probably meant, as a half sentence with its space before it; mostly empty.</param>
public sealed record ConfigurationProblem(string Key, string Found, string Expected, string Hint = "")
{
    /// <summary>What asked for it, such as a file; null where that says nothing.</summary>
    public string? Source { get; init; }

    /// <summary>The problem in words, for those where key, value and expectation make no sentence.</summary>
    public string? Words { get; init; }

    /// <summary>One sentence without its full stop.</summary>
    public override string ToString() => (Source is null ? "" : Source + ": ") + (Words ?? $"{Key} is {Found}; it must be {Expected}{Hint}");
}
