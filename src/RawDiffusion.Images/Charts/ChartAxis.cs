namespace RawDiffusion.Images;

/// <summary>An axis of a chart.</summary>
/// <param name="Label">What lies along it, with its unit.</param>
/// <param name="Logarithmic">Whether equal ratios have equal lengths; what is not above 0 is then left out.</param>
public sealed record ChartAxis(string Label, bool Logarithmic = false);
