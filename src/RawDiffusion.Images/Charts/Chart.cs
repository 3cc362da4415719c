namespace RawDiffusion.Images;

/// <summary>A picture of values: panels below one another that share the axis across.</summary>
public sealed record Chart
{
    /// <summary>The text above it.</summary>
    public required string Title { get; init; }

    /// <summary>The axis across, of all panels.</summary>
    public required ChartAxis X { get; init; }

    /// <summary>From top to bottom; at least one.</summary>
    public required IReadOnlyList<ChartPanel> Panels { get; init; }

    /// <summary>Columns of the picture.</summary>
    public int Width { get; init; } = 960;

    /// <summary>Rows of the picture.</summary>
    public int Height { get; init; } = 640;

    /// <summary>
    /// Draws it, to the same bytes every time. A few values far from all others do not squeeze those: they are drawn at the panel's border.
    /// Panels without a value stay empty.
    /// </summary>
    /// <exception cref="ArgumentException">There is no panel.</exception>
    /// <exception cref="PlatformNotSupportedException">The drawing library is not there for this system.</exception>
    public Image Draw()
    {
        if (Panels.Count == 0)
        {
            throw new ArgumentException("A chart takes at least one panel.");
        }
        try
        {
            return ChartDrawing.Draw(this);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException or TypeInitializationException)
        {
            // The loader's message goes on with every path that it tried.
            string reason = e.GetBaseException().Message.Split('.', '\n')[0];
            throw new PlatformNotSupportedException($"Charts cannot be drawn here: {reason}.", e);
        }
    }
}
