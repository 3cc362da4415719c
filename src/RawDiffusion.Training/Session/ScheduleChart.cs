using RawDiffusion.Diffusion;
using RawDiffusion.Images;

namespace RawDiffusion.Training;

/// <summary>The chart of a noise schedule over its timesteps.</summary>
internal static class ScheduleChart
{
    /// <summary>ᾱ_t, the signal-to-noise ratio, β_t and the posterior's variance β̃_t (Ho et al. 2020, eq. 7), which is 0 at timestep 0 and left out there.</summary>
    public static Chart Of(NoiseSchedule schedule)
    {
        (double, double)[] Points(Func<int, double> value) => [.. Enumerable.Range(0, schedule.Steps).Select(t => ((double)t, value(t)))];
        return new Chart
        {
            Title = "noise schedule",
            X = new ChartAxis("timestep t"),
            Panels =
            [
                new ChartPanel(new ChartAxis("ᾱ"), [new ChartSeries("ᾱ, the signal's share of the variance", Points(schedule.AlphaBar))]),
                new ChartPanel(new ChartAxis("SNR", Logarithmic: true), [new ChartSeries("signal-to-noise ratio", Points(schedule.SignalToNoise))]),
                new ChartPanel(new ChartAxis("variance", Logarithmic: true),
                [
                    new ChartSeries("β, of a step's noise", Points(schedule.Beta)),
                    new ChartSeries("β\u0303, of the posterior", Points(t => schedule.Posterior(t).Variance)),
                ]),
            ],
        };
    }
}
