using System.Globalization;

namespace RawDiffusion.Images;

/// <summary>How a loss curve is drawn.</summary>
public sealed record LossChartOptions
{
    /// <summary>The text above the chart.</summary>
    public string Title { get; init; } = "training loss";

    /// <summary>Whether the loss has a logarithmic axis; values that are not above 0 are then left out.</summary>
    public bool Logarithmic { get; init; }

    /// <summary>Columns of the picture.</summary>
    public int Width { get; init; } = 960;

    /// <summary>Rows of the picture.</summary>
    public int Height { get; init; } = 480;
}

/// <summary>A picture of the loss over training steps: each logged value as a pale dot, their running mean as a line.</summary>
public static class LossChart
{
    private const int Left = 84, Right = 28, Top = 52, Bottom = 64, TextScale = 2;

    private static readonly Colour Paper = new(255, 255, 255), Ink = new(60, 64, 72), Faint = new(140, 146, 156), Grid = new(232, 235, 240);
    private static readonly Colour Dots = new(150, 190, 240), Curve = new(24, 92, 190);

    /// <summary>Draws the curve. Losses that are not finite are left out; none at all give an empty chart.</summary>
    /// <param name="points">Steps in rising order, each with its loss.</param>
    /// <param name="options">Title, size and axis.</param>
    public static Image Draw(IReadOnlyList<(long Step, double Loss)> points, LossChartOptions? options = null)
    {
        options ??= new LossChartOptions();
        var canvas = new Canvas(new Image(options.Height, options.Width, 3));
        canvas.Clear(Paper);
        canvas.Text(options.Title, Left, 18, TextScale, Ink);
        var shown = points.Where(point => double.IsFinite(point.Loss) && (!options.Logarithmic || point.Loss > 0)).ToArray();
        int width = options.Width - Left - Right, height = options.Height - Top - Bottom;
        if (shown.Length == 0)
        {
            const string Nothing = "no losses yet";
            int left = Left + (width - BitmapFont.Measure(Nothing) * TextScale) / 2;
            canvas.Text(Nothing, left, Top + height / 2 - BitmapFont.Height, TextScale, Faint);
            return canvas.Image;
        }
        double[] smooth = Smooth([.. shown.Select(point => point.Loss)]);
        var across = new ChartAxis(Math.Min(shown[0].Step, 0), Math.Max(1, shown[^1].Step), logarithmic: false);
        var upwards = UpwardAxis(shown, smooth, options.Logarithmic);
        DrawAxes(canvas, across, upwards, width, height);
        DrawLegend(canvas, options.Width - Right, smooth[^1]);

        double X(int i) => Left + across.At(shown[i].Step) * width;
        double Y(double loss) => Top + (1 - Math.Clamp(upwards.At(loss), 0, 1)) * height;
        double dot = shown.Length < 300 ? 4 : 2.5, opacity = Math.Clamp(2.0 * width / shown.Length, 0.08, 0.75);
        for (int i = 0; i < shown.Length; i++)
        {
            canvas.Line(X(i), Y(shown[i].Loss), X(i), Y(shown[i].Loss), dot, Dots, opacity);
        }
        // Segments of a pixel or more: with very many points, drawing each would only thicken the line.
        for (int from = 0, to = 1; to < shown.Length; to++)
        {
            if (X(to) - X(from) >= 1 || to == shown.Length - 1)
            {
                canvas.Line(X(from), Y(smooth[from]), X(to), Y(smooth[to]), 2.4, Curve);
                from = to;
            }
        }
        return canvas.Image;
    }

    // From the least to the greatest loss, but a few outliers may not squeeze everything else: they are drawn at the border.
    private static ChartAxis UpwardAxis((long Step, double Loss)[] shown, double[] smooth, bool logarithmic)
    {
        double[] sorted = [.. shown.Select(point => point.Loss).Order()];
        double low = Math.Min(sorted[(int)(0.002 * (sorted.Length - 1))], smooth.Min());
        double high = Math.Max(sorted[(int)(0.995 * (sorted.Length - 1))], smooth.Max());
        return logarithmic ? new ChartAxis(low / 1.1, high * 1.1, true)
            : new ChartAxis(low >= 0 && low < 0.5 * high ? 0 : low - 0.05 * (high - low), high + 0.05 * (high - low), false);
    }

    private static void DrawAxes(Canvas canvas, ChartAxis across, ChartAxis upwards, int width, int height)
    {
        foreach (var (value, text) in upwards.Ticks(Math.Max(2, height / 60)))
        {
            int y = Top + (int)Math.Round((1 - upwards.At(value)) * height);
            canvas.Rectangle(Left, y, width, 1, Grid);
            canvas.Text(text, Left - 10 - BitmapFont.Measure(text) * TextScale, y - BitmapFont.Ascent * TextScale / 2, TextScale, Faint);
        }
        int lastRight = 0;
        foreach (var (value, text) in across.Ticks(Math.Max(2, width / 110)))
        {
            int x = Left + (int)Math.Round(across.At(value) * width), textLeft = x - BitmapFont.Measure(text) * TextScale / 2;
            canvas.Rectangle(x, Top, 1, height, Grid);
            if (textLeft > lastRight)
            {
                canvas.Text(text, textLeft, Top + height + 12, TextScale, Faint);
                lastRight = textLeft + BitmapFont.Measure(text) * TextScale + 8;
            }
        }
        canvas.Rectangle(Left, Top + height, width + 1, 2, Ink);
        canvas.Rectangle(Left - 1, Top, 2, height + 2, Ink);
        const string Steps = "steps";
        canvas.Text(Steps, Left + (width - BitmapFont.Measure(Steps) * TextScale) / 2, Top + height + 38, TextScale, Ink);
    }

    private static void DrawLegend(Canvas canvas, int right, double last)
    {
        string text = "mean, now " + last.ToString("G4", CultureInfo.InvariantCulture).Replace('E', 'e');
        int left = right - BitmapFont.Measure(text) * TextScale;
        canvas.Text(text, left, 18, TextScale, Ink);
        canvas.Line(left - 36, 25, left - 12, 25, 3, Curve);
    }

    // Two passes of a centred box over a fiftieth of the values each, which is close to a Gaussian.
    // At the beginning the box is narrow but centred, since the loss falls steeply there; at the end it only looks back.
    private static double[] Smooth(double[] values)
    {
        int reach = Math.Max(1, values.Length / 100);
        return values.Length < 8 ? values : Box(Box(values, reach), reach);
    }

    private static double[] Box(double[] values, int reach)
    {
        double[] sums = new double[values.Length + 1];
        for (int i = 0; i < values.Length; i++)
        {
            sums[i + 1] = sums[i] + values[i];
        }
        double[] means = new double[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int before = Math.Min(reach, i), after = Math.Min(before, values.Length - 1 - i);
            means[i] = (sums[i + after + 1] - sums[i - before]) / (before + after + 1);
        }
        return means;
    }
}
