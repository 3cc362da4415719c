using System.Globalization;

namespace RawDiffusion.Images;

/// <summary>One axis of a chart: where values lie along it, and which of them are marked.</summary>
internal sealed class ChartAxis
{
    private readonly double _from, _to;
    private readonly bool _logarithmic;

    /// <param name="low">The smallest value to show; above 0 if logarithmic.</param>
    /// <param name="high">The largest value to show.</param>
    /// <param name="logarithmic">Whether equal ratios have equal lengths.</param>
    public ChartAxis(double low, double high, bool logarithmic)
    {
        (_from, _to, _logarithmic) = (logarithmic ? Math.Log10(low) : low, logarithmic ? Math.Log10(high) : high, logarithmic);
        if (_to - _from < 1e-12 * Math.Max(1, Math.Abs(_to)))
        {
            (_from, _to) = (_from - (logarithmic ? 0.1 : 0.5), _to + (logarithmic ? 0.1 : 0.5));
        }
    }

    /// <summary>Where a value lies: 0 at the axis's start, 1 at its end.</summary>
    public double At(double value) => ((_logarithmic ? Math.Log10(value) : value) - _from) / (_to - _from);

    /// <summary>About so many round values in the axis's range, with their texts.</summary>
    public List<(double Value, string Text)> Ticks(int wanted) => _logarithmic && _to - _from > 0.3 ? LogarithmicTicks(wanted) : LinearTicks(wanted);

    private List<(double, string)> LinearTicks(int wanted)
    {
        double low = _logarithmic ? Math.Pow(10, _from) : _from, high = _logarithmic ? Math.Pow(10, _to) : _to;
        double rough = (high - low) / wanted, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * ((rough / power) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 });
        var ticks = new List<(double, string)>();
        for (double i = Math.Ceiling(low / step - 1e-9); i * step <= high * (1 + 1e-12) + 1e-9 * step; i++)
        {
            double value = i == 0 ? 0 : i * step;
            ticks.Add((value, Format(value, step)));
        }
        return ticks;
    }

    private List<(double, string)> LogarithmicTicks(int wanted)
    {
        double[] steps = (_to - _from) switch { > 3 => [1], > 1.2 => [1, 3], _ => [1, 1.5, 2, 3, 4, 5, 7] };
        int decades = Math.Max(1, (int)Math.Ceiling((_to - _from) / wanted));
        var ticks = new List<(double, string)>();
        for (int decade = (int)Math.Floor(_from); decade <= _to; decade++)
        {
            foreach (double step in steps)
            {
                double value = step * Math.Pow(10, decade);
                if (decade % decades == 0 && At(value) is >= 0 and <= 1)
                {
                    ticks.Add((value, value.ToString(value is >= 0.001 and < 10_000 ? "0.#####" : "0.#e0", CultureInfo.InvariantCulture)));
                }
            }
        }
        return ticks;
    }

    private static string Format(double value, double step)
    {
        var (divisor, unit) = Math.Abs(value) switch { >= 1e6 when step >= 1e4 => (1e6, "M"), >= 1e3 when step >= 500 => (1e3, "k"), _ => (1.0, "") };
        int decimals = Math.Clamp((int)-Math.Floor(Math.Log10(step / divisor) + 1e-9), 0, 8);
        string text = (value / divisor).ToString("F" + decimals, CultureInfo.InvariantCulture);
        return (text.Contains('.') && unit != "" ? text.TrimEnd('0').TrimEnd('.') : text) + unit;
    }
}
