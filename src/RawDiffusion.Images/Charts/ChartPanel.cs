namespace RawDiffusion.Images;

/// <summary>One of the fields of a chart.</summary>
/// <param name="Y">The axis upwards.</param>
/// <param name="Series">What is drawn, each in its own colour.</param>
/// <param name="Share">Its height, against the other panels' shares.</param>
public sealed record ChartPanel(ChartAxis Y, IReadOnlyList<ChartSeries> Series, double Share = 1);
