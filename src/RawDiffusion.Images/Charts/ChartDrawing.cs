using System.Runtime.InteropServices;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace RawDiffusion.Images;

/// <summary>Draws charts. All that names the drawing library stands here and in <see cref="ChartFont"/>, so that it is loaded by the first chart.</summary>
internal static class ChartDrawing
{
    private const float Left = 78, Right = 24, Top = 12, TitleHeight = 34, LabelHeight = 54, Gap = 14;
    private const float TextSize = 13, TitleSize = 17;

    private static readonly Color _ink = new(52, 58, 68), _faint = new(104, 112, 124), _grid = new(229, 232, 237), _frame = new(176, 182, 192);
    private static readonly Color[] _colours = [new(24, 92, 190), new(214, 92, 28), new(20, 140, 96), new(150, 64, 168), new(190, 40, 72), new(112, 104, 24)];

    /// <summary>The picture.</summary>
    public static Image Draw(Chart chart)
    {
        var shown = chart.Panels.Select(panel => panel.Series.Select(series => Shown(series, chart.X, panel.Y)).ToArray()).ToArray();
        var across = ChartScale.Across([.. shown.SelectMany(panel => panel).SelectMany(points => points).Select(point => point.X)], chart.X.Logarithmic);
        byte[] pixels = new byte[chart.Height * chart.Width * 4];
        var handle = GCHandle.Alloc(pixels, GCHandleType.Pinned);
        try
        {
            var info = new SKImageInfo(chart.Width, chart.Height, SKColorType.Rgba8888, SKAlphaType.Premul);
            using var surface = SKSurface.Create(info, handle.AddrOfPinnedObject(), info.RowBytes);
            surface.Canvas.Clear(SKColors.White);
            float free = chart.Height - Top - TitleHeight - LabelHeight - Gap * (chart.Panels.Count - 1), top = 0;
            double shares = chart.Panels.Sum(panel => panel.Share);
            for (int i = 0; i < chart.Panels.Count; i++)
            {
                float above = i == 0 ? Top + TitleHeight : 0, height = (float)(free * chart.Panels[i].Share / shares);
                bool isLast = i == chart.Panels.Count - 1;
                float bottom = isLast ? chart.Height : top + above + height + Gap;
                using var plot = Panel(chart, chart.Panels[i], shown[i], across, height, isFirst: i == 0, isLast);
                plot.Layout.Fixed(new PixelPadding(Left, Right, isLast ? LabelHeight : Gap, above));
                plot.Render(surface.Canvas, new PixelRect(0, chart.Width, bottom, top));
                top = bottom;
            }
            surface.Canvas.Flush();
        }
        finally
        {
            handle.Free();
        }
        var image = new Image(chart.Height, chart.Width, 3);
        for (int i = 0; i < chart.Height * chart.Width; i++)
        {
            pixels.AsSpan(4 * i, 3).CopyTo(image.Pixels.AsSpan(3 * i));
        }
        return image;
    }

    private static (double X, double Y)[] Shown(ChartSeries series, ChartAxis x, ChartAxis y) =>
        [.. series.Points.Where(point => IsShown(point.X, x) && IsShown(point.Y, y))];

    private static bool IsShown(double value, ChartAxis axis) => double.IsFinite(value) && (!axis.Logarithmic || value > 0);

    private static Plot Panel(Chart chart, ChartPanel panel, (double X, double Y)[][] shown, ChartScale across, float height, bool isFirst, bool isLast)
    {
        var plot = new Plot();
        _ = ChartFont.Typeface;
        plot.Font.Set(ChartFont.Name);
        plot.RenderManager.ClearCanvasBeforeEachRender = false;
        bool scatters = panel.Series.Any(series => series.Style == SeriesStyle.DotsAndMean);
        var upwards = ChartScale.Upwards([.. shown.SelectMany(points => points).Select(point => point.Y)], panel.Y.Logarithmic, leaveOutFar: scatters);
        for (int i = 0; i < shown.Length; i++)
        {
            if (shown[i].Length > 0)
            {
                Add(plot, panel.Series[i], shown[i], across, upwards, _colours[i % _colours.Length], chart.Width - Left - Right);
            }
        }
        plot.Axes.SetLimits(across.Low, across.High, upwards.Low, upwards.High);
        bool isEmpty = shown.All(points => points.Length == 0);
        Style(plot.Axes.Left, panel.Y.Label, isEmpty ? [] : upwards.Ticks(Math.Max(2, (int)(height / 38))));
        Style(plot.Axes.Bottom, isLast ? chart.X.Label : "", isEmpty ? [] : across.Ticks(Math.Max(2, (int)((chart.Width - Left - Right) / 100))), isLast);
        plot.Axes.Right.FrameLineStyle.IsVisible = plot.Axes.Top.FrameLineStyle.IsVisible = false;
        plot.Grid.MajorLineColor = _grid;
        if (isFirst)
        {
            plot.Axes.Title.Label.Text = chart.Title;
            plot.Axes.Title.Label.FontSize = TitleSize;
            plot.Axes.Title.Label.Bold = false;
            plot.Axes.Title.Label.ForeColor = _ink;
        }
        if (isEmpty)
        {
            var nothing = plot.Add.Annotation("no values yet", Alignment.MiddleCenter);
            (nothing.LabelFontName, nothing.LabelFontSize, nothing.LabelFontColor) = (ChartFont.Name, TextSize, _faint);
            nothing.LabelBackgroundColor = nothing.LabelShadowColor = nothing.LabelBorderColor = Colors.Transparent;
        }
        if (!isEmpty && panel.Series.Any(series => series.Name != ""))
        {
            ShowLegend(plot, Emptiest(shown, across, upwards));
        }
        return plot;
    }

    private static void Add(
        Plot plot, ChartSeries series, (double X, double Y)[] points, ChartScale across, ChartScale upwards, Color colour, float width)
    {
        double[] xs = [.. points.Select(point => across.At(point.X))], values = [.. points.Select(point => point.Y)];
        if (series.Style == SeriesStyle.DotsAndMean)
        {
            var dots = plot.Add.Markers(xs, values.Select(upwards.At).ToArray());
            dots.MarkerSize = points.Length < 300 ? 5 : 3;
            dots.Color = colour.WithAlpha(Math.Clamp(1.2 * width / points.Length, 0.06, 0.45));
            // What lies beyond the axis counts as its end, or one spike would lift the line for many steps.
            values = RunningMean.Of([.. values.Select(value => upwards.ValueAt(upwards.At(value)))]);
        }
        // Segments of half a pixel or more: with very many points, drawing each would only thicken the line.
        double shortest = 0.5 * (across.High - across.Low) / width;
        var kept = new List<int> { 0 };
        for (int i = 1; i < xs.Length; i++)
        {
            if (i == xs.Length - 1 || xs[i] - xs[kept[^1]] >= shortest)
            {
                kept.Add(i);
            }
        }
        var line = plot.Add.ScatterLine(kept.Select(i => xs[i]).ToArray(), kept.Select(i => upwards.At(values[i])).ToArray(), colour);
        line.LineWidth = 2;
        line.LegendText = series.Name;
        if (series.Style == SeriesStyle.MarkedLine || (points.Length == 1 && series.Style == SeriesStyle.Line))
        {
            line.MarkerStyle = new MarkerStyle(MarkerShape.FilledCircle, 7, colour);
        }
    }

    private static void Style(IAxis axis, string label, List<(double Position, string Text)> ticks, bool isLabelled = true)
    {
        axis.TickGenerator = new NumericManual([.. ticks.Select(tick => new Tick(tick.Position, isLabelled ? tick.Text : ""))]);
        axis.Label.Text = label;
        axis.Label.FontSize = TextSize + 1;
        axis.Label.Bold = false;
        axis.Label.ForeColor = _ink;
        axis.TickLabelStyle.FontSize = TextSize;
        axis.TickLabelStyle.ForeColor = _faint;
        axis.FrameLineStyle.Color = axis.MajorTickStyle.Color = _frame;
    }

    private static void ShowLegend(Plot plot, Alignment corner)
    {
        var legend = plot.ShowLegend(corner);
        (legend.FontName, legend.FontSize, legend.FontColor) = (ChartFont.Name, TextSize, _ink);
        legend.SetBestFontOnEachRender = false;
        legend.BackgroundColor = Colors.White.WithAlpha(0.85);
        legend.OutlineColor = legend.ShadowColor = Colors.Transparent;
    }

    /// <summary>The corner that the fewest values lie in.</summary>
    private static Alignment Emptiest((double X, double Y)[][] shown, ChartScale across, ChartScale upwards)
    {
        const double Width = 0.35, Height = 0.4;
        int Inside(bool right, bool upper) => shown.Sum(points => points.Count(point =>
            (right ? 1 - across.ShareOf(point.X) : across.ShareOf(point.X)) < Width && (upper ? 1 - upwards.ShareOf(point.Y) : upwards.ShareOf(point.Y)) < Height));
        return new[] { Alignment.UpperRight, Alignment.LowerRight, Alignment.UpperLeft, Alignment.LowerLeft }
            .MinBy(corner => Inside(corner is Alignment.UpperRight or Alignment.LowerRight, corner is Alignment.UpperRight or Alignment.UpperLeft));
    }
}
