using RawDiffusion.Images;
using RawDiffusion.Storage;

namespace RawDiffusion.Training;

/// <summary>The chart of a run's log: losses, gradient norm and learning rate over the steps.</summary>
internal static class LossChart
{
    /// <summary>The chart of what was logged. Losses have a logarithmic axis, unless one is not above 0 as a bound on a likelihood may be.</summary>
    /// <param name="log">The logged steps in rising order.</param>
    /// <param name="title">The text above it.</param>
    public static Chart Of(IReadOnlyList<StepMetrics> log, string title)
    {
        string[] names = [.. log.SelectMany(step => step.Losses ?? []).Select(loss => loss.Key).Distinct()];
        ChartSeries[] losses = names.Length > 1
            ? [.. names.Select(name => Scattered(name, step => step.Losses is { } values ? ValueOf(values, name) : double.NaN))]
            : [Scattered("loss, running mean", step => step.Loss)];
        bool logarithmic = losses.All(series => series.Points.All(point => !double.IsFinite(point.Y) || point.Y > 0));
        return new Chart
        {
            Title = title,
            X = new ChartAxis("training steps"),
            Panels =
            [
                new ChartPanel(new ChartAxis("loss", logarithmic), losses, Share: 3),
                new ChartPanel(new ChartAxis("gradient norm", Logarithmic: true), [Scattered("", step => step.GradNorm)]),
                new ChartPanel(new ChartAxis("learning rate"), [new ChartSeries("", Points(step => step.Lr))]),
            ],
        };

        ChartSeries Scattered(string name, Func<StepMetrics, double> value) => new(name, Points(value), SeriesStyle.DotsAndMean);
        (double, double)[] Points(Func<StepMetrics, double> value) => [.. log.Select(step => ((double)step.Step, value(step)))];
    }

    private static double ValueOf(IReadOnlyList<KeyValuePair<string, double>> losses, string name)
    {
        foreach (var (key, value) in losses)
        {
            if (key == name)
            {
                return value;
            }
        }
        return double.NaN;
    }
}
