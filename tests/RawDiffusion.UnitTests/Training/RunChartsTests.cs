using RawDiffusion.Diffusion;
using RawDiffusion.Images;
using RawDiffusion.Storage;
using RawDiffusion.Training;

namespace RawDiffusion.UnitTests.Training;

public class RunChartsTests
{
    private static StepMetrics Logged(long step, double loss, params (string Name, double Value)[] losses) => new(step, loss, 0.5, 1e-3, 10, step)
    {
        Losses = losses.Length == 0 ? null : [.. losses.Select(named => KeyValuePair.Create(named.Name, named.Value))],
    };

    [Fact]
    public void TheLossCurveHasLossGradientAndLearningRate()
    {
        var chart = LossChart.Of([Logged(10, 1), Logged(20, double.NaN), Logged(30, 0.1)], "loss of run");
        Assert.Equal(["loss", "gradient norm", "learning rate"], chart.Panels.Select(panel => panel.Y.Label));
        Assert.True(chart.Panels[0].Y.Logarithmic);
        Assert.Equal([(10, 1), (20, double.NaN), (30, 0.1)], Assert.Single(chart.Panels[0].Series).Points);
        Assert.Equal([0.5, 0.5, 0.5], chart.Panels[1].Series[0].Points.Select(point => point.Y));
    }

    [Fact]
    public void SeveralLossesAreDrawnByName()
    {
        var chart = LossChart.Of([Logged(10, 3, ("total", 3), ("simple", 2)), Logged(20, 1), Logged(30, 1.5, ("total", 1.5), ("simple", 1))], "");
        Assert.Equal(["total", "simple"], chart.Panels[0].Series.Select(series => series.Name));
        Assert.Equal([2, double.NaN, 1], chart.Panels[0].Series[1].Points.Select(point => point.Y));
    }

    /// <summary>A bound on a likelihood may be below 0, which no logarithm shows.</summary>
    [Fact]
    public void ALossBelowZeroHasALinearAxis() => Assert.False(LossChart.Of([Logged(10, 1), Logged(20, -1)], "").Panels[0].Y.Logarithmic);

    [Fact]
    public void TheScheduleHasItsFourCurves()
    {
        var schedule = NoiseSchedule.Linear(100);
        var panels = ScheduleChart.Of(schedule).Panels;
        Assert.Equal([1, 1, 2], panels.Select(panel => panel.Series.Count));
        ChartSeries[] curves = [.. panels.SelectMany(panel => panel.Series)];
        var posterior = schedule.Posterior(50);
        Assert.Equal([schedule.AlphaBar(50), schedule.SignalToNoise(50), schedule.Beta(50), posterior.Variance], curves.Select(curve => curve.Points[50].Y));
        Assert.All(curves, curve => Assert.Equal(100, curve.Points.Count));
    }
}
