using RawDiffusion.Images;

namespace RawDiffusion.UnitTests.Images;

public class LossChartTests
{
    private static readonly LossChartOptions Small = new() { Width = 400, Height = 300 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFallingLossFallsInThePicture(bool logarithmic)
    {
        var chart = LossChart.Draw([.. Enumerable.Range(0, 500).Select(i => ((long)i, Math.Exp(-i / 100.0)))], Small with { Logarithmic = logarithmic });
        Assert.Equal((300, 400, 3), (chart.Height, chart.Width, chart.Channels));

        // The curve is the only dark blue below the legend.
        int RowOfCurve(int x) => Enumerable.Range(50, 200).First(y => chart.Pixels.AsSpan((y * 400 + x) * 3, 3) is [< 80, < 140, > 170]);
        int[] rows = [RowOfCurve(100), RowOfCurve(180), RowOfCurve(260), RowOfCurve(350)];
        Assert.Equal(rows.Order(), rows);
        Assert.True(rows[0] < rows[^1]);
        if (logarithmic)
        {
            // An exponential decay is a straight line there.
            Assert.InRange(rows[1] - (rows[0] + (rows[^1] - rows[0]) * 80 / 250), -4, 4);
        }
    }

    [Fact]
    public void SurvivesWhateverIsLogged()
    {
        foreach (bool logarithmic in new[] { false, true })
        {
            var options = Small with { Logarithmic = logarithmic };
            byte[] empty = LossChart.Draw([], options).Pixels;
            Assert.Equal(empty, LossChart.Draw([(1, double.NaN), (2, double.PositiveInfinity)], options).Pixels);
            Assert.NotEqual(empty, LossChart.Draw([(5, 0.25)], options).Pixels);
            Assert.NotEqual(empty, LossChart.Draw([(1, 0.25), (2, 0.25), (3, 0.25)], options).Pixels);
            LossChart.Draw([(0, 1e-30), (1_000_000_000_000, 1e30)], options);
            LossChart.Draw([(0, 0), (1, -5), (2, 0)], options);
            LossChart.Draw([.. Enumerable.Range(0, 50_000).Select(i => ((long)i, i % 1000 == 999 ? 1e6 : 1.0))], options);
        }
    }

    [Theory]
    [InlineData(0, 1, false, "0.0 0.2 0.4 0.6 0.8 1.0")]
    [InlineData(0, 40_000, false, "0 10k 20k 30k 40k")]
    [InlineData(0, 800_000, false, "0 200k 400k 600k 800k")]
    [InlineData(0, 3_000_000, false, "0 500k 1M 1.5M 2M 2.5M 3M")]
    [InlineData(0.0301, 0.0312, false, "0.0302 0.0304 0.0306 0.0308 0.0310 0.0312")]
    [InlineData(0.01, 1, true, "0.01 0.03 0.1 0.3 1")]
    [InlineData(1e-6, 1, true, "1e-6 1e-4 0.01 1")]
    [InlineData(0.9, 1.1, true, "0.90 0.95 1.00 1.05 1.10")]
    public void TicksAreRoundNumbers(double low, double high, bool logarithmic, string expected) =>
        Assert.Equal(expected, string.Join(' ', new ChartAxis(low, high, logarithmic).Ticks(5).Select(tick => tick.Text)));
}
