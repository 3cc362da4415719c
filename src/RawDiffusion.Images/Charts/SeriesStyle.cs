namespace RawDiffusion.Images;

/// <summary>How a series is drawn.</summary>
public enum SeriesStyle
{
    /// <summary>A line from each value to the next.</summary>
    Line,

    /// <summary>A pale dot for each value, and their running mean as a line.</summary>
    DotsAndMean,

    /// <summary>A line with a dot for each value.</summary>
    MarkedLine,
}
