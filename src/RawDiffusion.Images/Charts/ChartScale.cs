using System.Globalization;

namespace RawDiffusion.Images;

/// <summary>The stretch of an axis that is shown, and which values are marked on it. Positions are logarithms to base 10 where the axis is logarithmic.</summary>
internal sealed class ChartScale
{
    // Narrower than a factor of two, round differences say more than round ratios.
    private const double NarrowDecades = 0.3;

    // The share of the values, at each end, that may be left out of the axis.
    private const double Few = 0.01;

    private readonly bool _logarithmic;

    private ChartScale(double low, double high, bool logarithmic) => (Low, High, _logarithmic) = (low, high, logarithmic);

    /// <summary>The position at which the axis begins.</summary>
    public double Low { get; }

    /// <summary>The position at which the axis ends.</summary>
    public double High { get; }

    /// <summary>From the least to the greatest value, or from 0 where the least is near it.</summary>
    public static ChartScale Across(IReadOnlyList<double> values, bool logarithmic)
    {
        var (low, high) = Range(values, logarithmic, leaveOutFar: false);
        return Widened(StartsAtZero(low, high, logarithmic) ? 0 : low, high, logarithmic, margin: 0);
    }

    /// <summary>From the least to the greatest value with a margin, or from 0 where the least is near it.</summary>
    /// <param name="values">What is to be seen.</param>
    /// <param name="logarithmic">Whether equal ratios have equal lengths.</param>
    /// <param name="leaveOutFar">Whether a few values may lie beyond, if they lie very far from the others.</param>
    public static ChartScale Upwards(IReadOnlyList<double> values, bool logarithmic, bool leaveOutFar)
    {
        var (low, high) = Range(values, logarithmic, leaveOutFar);
        return StartsAtZero(low, high, logarithmic) ? Widened(0, high * 1.06, logarithmic, margin: 0) : Widened(low, high, logarithmic, margin: 0.05);
    }

    /// <summary>Where a value lies; those beyond the axis lie at its end.</summary>
    public double At(double value) => Math.Clamp(_logarithmic ? Math.Log10(value) : value, Low, High);

    /// <summary>How far along the axis a value lies, 0 to 1.</summary>
    public double ShareOf(double value) => (At(value) - Low) / (High - Low);

    /// <summary>The value at a position.</summary>
    public double ValueAt(double position) => _logarithmic ? Math.Pow(10, position) : position;

    /// <summary>About so many round values, by position, with their texts.</summary>
    public List<(double Position, string Text)> Ticks(int wanted) =>
        _logarithmic && High - Low > NarrowDecades ? RatioTicks(wanted) : DifferenceTicks(wanted);

    private static (double Low, double High) Range(IReadOnlyList<double> values, bool logarithmic, bool leaveOutFar)
    {
        double[] sorted = [.. values.Select(value => logarithmic ? Math.Log10(value) : value).Order()];
        if (sorted.Length == 0)
        {
            return (0, 1);
        }
        if (!leaveOutFar)
        {
            return (sorted[0], sorted[^1]);
        }
        double low = sorted[(int)(Few * (sorted.Length - 1))], high = sorted[(int)Math.Ceiling((1 - Few) * (sorted.Length - 1))], near = 0.6 * (high - low);
        return (low - sorted[0] <= near ? sorted[0] : low, sorted[^1] - high <= near ? sorted[^1] : high);
    }

    private static bool StartsAtZero(double low, double high, bool logarithmic) => !logarithmic && low >= 0 && low < 0.5 * high;

    private static ChartScale Widened(double low, double high, bool logarithmic, double margin)
    {
        double width = high - low;
        if (width < 1e-12 * Math.Max(1, Math.Abs(high)))
        {
            double around = logarithmic ? 0.1 : high == 0 ? 1 : 0.1 * Math.Abs(high);
            return new ChartScale(low - around, high + around, logarithmic);
        }
        return new ChartScale(low - margin * width, high + margin * width, logarithmic);
    }

    private List<(double, string)> DifferenceTicks(int wanted)
    {
        double low = ValueAt(Low), high = ValueAt(High), rough = (high - low) / wanted, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * ((rough / power) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 });
        var ticks = new List<(double, string)>();
        for (double i = Math.Ceiling(low / step - 1e-9); i * step <= high + 1e-9 * step; i++)
        {
            double value = i == 0 ? 0 : i * step;
            ticks.Add((_logarithmic ? Math.Log10(value) : value, Format(value, step)));
        }
        return ticks;
    }

    private List<(double, string)> RatioTicks(int wanted)
    {
        var ticks = new List<(double Position, string Text)>();
        foreach (double[] steps in (double[][])[[1, 1.5, 2, 3, 4, 5, 7], [1, 2, 5], [1, 3], [1]])
        {
            ticks.Clear();
            int decades = steps.Length > 1 ? 1 : (int)((High - Low) / (wanted + 1)) + 1;
            for (int decade = (int)Math.Floor(Low); decade <= High; decade++)
            {
                ticks.AddRange(steps.Select(step => step * Math.Pow(10, decade))
                    .Where(value => decade % decades == 0 && Math.Log10(value) >= Low && Math.Log10(value) <= High)
                    .Select(value => (Math.Log10(value), value.ToString(value is >= 0.001 and < 10_000 ? "0.#####" : "0.#e0", CultureInfo.InvariantCulture))));
            }
            if (ticks.Count <= wanted + 1)
            {
                break;
            }
        }
        return ticks;
    }

    private static string Format(double value, double step)
    {
        if (step < 1e-4)
        {
            return value == 0 ? "0" : value.ToString("0.###e0", CultureInfo.InvariantCulture);
        }
        var (divisor, unit) = Math.Abs(value) switch { >= 1e6 when step >= 1e4 => (1e6, "M"), >= 1e3 when step >= 500 => (1e3, "k"), _ => (1.0, "") };
        int decimals = Math.Clamp((int)-Math.Floor(Math.Log10(step / divisor) + 1e-9), 0, 4);
        string text = (value / divisor).ToString("F" + decimals, CultureInfo.InvariantCulture);
        return (text.Contains('.') && unit != "" ? text.TrimEnd('0').TrimEnd('.') : text) + unit;
    }
}
