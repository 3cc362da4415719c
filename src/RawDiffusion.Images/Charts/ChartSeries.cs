namespace RawDiffusion.Images;

/// <summary>Values that belong together.</summary>
/// <param name="Name">What the legend calls them; empty for none.</param>
/// <param name="Points">The values, X rising. What is not finite is left out.</param>
/// <param name="Style">How they are drawn.</param>
public sealed record ChartSeries(string Name, IReadOnlyList<(double X, double Y)> Points, SeriesStyle Style = SeriesStyle.Line);
