using ScottPlot;
using SkiaSharp;

namespace RawDiffusion.Images;

/// <summary>The typeface of all that is written into pictures. It is part of the program: a machine need not have any.</summary>
internal sealed class ChartFont : IFontResolver
{
    /// <summary>The name that charts ask for it by.</summary>
    public const string Name = "RawDiffusion Chart Sans";

    static ChartFont() => Fonts.FontResolvers.Insert(0, new ChartFont());

    /// <summary>The typeface.</summary>
    public static SKTypeface Typeface { get; } = Load();

    /// <inheritdoc/>
    public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) => fontName == Name ? Typeface : null;

    /// <inheritdoc/>
    public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) => fontName == Name ? Typeface : null;

    private static SKTypeface Load()
    {
        using var resource = typeof(ChartFont).Assembly.GetManifestResourceStream("ChartSans.otf")!;
        using var data = SKData.Create(resource);
        return SKTypeface.FromData(data);
    }
}
