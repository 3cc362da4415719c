using RawDiffusion.Images;

namespace RawDiffusion.UnitTests.Images;

public class ChartTests
{
    private const int Height = 300, Width = 400;

    private static Chart Of(SeriesStyle style, bool logarithmic, params (double X, double Y)[] points) => new()
    {
        Title = "title",
        X = new ChartAxis("steps"),
        Panels = [new ChartPanel(new ChartAxis("loss", logarithmic), [new ChartSeries("", points, style)])],
        Width = Width,
        Height = Height,
    };

    /// <summary>Rows of a column that have the dark blue of the first series.</summary>
    private static int[] Curve(Image chart, int x, int from = 0, int to = Height) =>
        [.. Enumerable.Range(from, to - from).Where(y => chart.Pixels.AsSpan((y * Width + x) * 3, 3) is [< 90, < 140, > 170])];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFallingLossFallsInThePicture(bool logarithmic)
    {
        var chart = Of(SeriesStyle.DotsAndMean, logarithmic, [.. Enumerable.Range(0, 500).Select(i => ((double)i, Math.Exp(-i / 100.0)))]).Draw();
        Assert.Equal((Height, Width, 3), (chart.Height, chart.Width, chart.Channels));
        int[] rows = [.. new[] { 110, 180, 250, 350 }.Select(x => Curve(chart, x)[0])];
        Assert.Equal(rows.Order(), rows);
        Assert.True(rows[0] < rows[^1]);
        if (logarithmic)
        {
            // An exponential decay is a straight line there.
            Assert.InRange(rows[1] - (rows[0] + (rows[^1] - rows[0]) * 70 / 240), -4, 4);
        }
    }

    [Fact]
    public void TheSameChartIsTheSamePicture()
    {
        var random = new Random(1);
        var chart = Of(SeriesStyle.DotsAndMean, true, [.. Enumerable.Range(0, 2000).Select(i => ((double)i, random.NextDouble() + 0.1))]);
        byte[] first = chart.Draw().Pixels;
        Assert.All(Enumerable.Range(0, 4).AsParallel().Select(_ => chart.Draw().Pixels), pixels => Assert.Equal(first, pixels));
    }

    [Theory]
    [InlineData(SeriesStyle.Line, false)]
    [InlineData(SeriesStyle.Line, true)]
    [InlineData(SeriesStyle.DotsAndMean, false)]
    [InlineData(SeriesStyle.DotsAndMean, true)]
    [InlineData(SeriesStyle.MarkedLine, true)]
    public void SurvivesWhateverIsLogged(SeriesStyle style, bool logarithmic)
    {
        byte[] Draw(params (double, double)[] points) => Of(style, logarithmic, points).Draw().Pixels;
        byte[] empty = Draw();
        Assert.Equal(empty, Draw((1, double.NaN), (2, double.PositiveInfinity), (double.NaN, 1)));
        Assert.NotEqual(empty, Draw((5, 0.25)));
        Assert.NotEqual(empty, Draw((1, 0.25), (2, 0.25), (3, 0.25)));
        Assert.NotEqual(empty, Draw((0, 1e-30), (1e12, 1e30)));
        Assert.NotEqual(empty, Draw([.. Enumerable.Range(0, 50_000).Select(i => ((double)i, i % 1000 == 999 ? 1e6 : 1.0))]));
        Assert.Equal(logarithmic, empty.AsSpan().SequenceEqual(Draw((0, 0), (1, -5), (2, 0))));
    }

    [Fact]
    public void AFewOutliersDoNotSqueezeTheRest()
    {
        (double, double)[] points = [.. Enumerable.Range(0, 1000).Select(i => ((double)i, i % 200 == 199 ? 1e6 : 1 - i / 2000.0))];
        var chart = Of(SeriesStyle.DotsAndMean, false, points).Draw();
        Assert.True(Curve(chart, 340)[0] - Curve(chart, 90)[0] > Height / 4);
    }

    /// <summary>A machine without a font must not lose the words: all that is written comes from the program's own.</summary>
    [Theory]
    [InlineData("0123456789.,-e kM")]
    [InlineData("ᾱ β\u0303 σ ε √ − × → ≤ ∞ – …")]
    [InlineData("ÄÖÜ äöüß éèç ñ")]
    public void TheFontHasWhatChartsSay(string text) => Assert.DoesNotContain((ushort)0, ChartFont.Typeface.GetGlyphs(text));

    [Fact]
    public void TitleAxesAndLegendAreWritten()
    {
        (double, double)[] points = [(0, 1), (1, 2), (2, 4)];
        var plain = new Chart
        {
            Title = "",
            X = new ChartAxis(""),
            Panels = [new ChartPanel(new ChartAxis(""), [new ChartSeries("", points)]), new ChartPanel(new ChartAxis(""), [new ChartSeries("", points)])],
            Width = Width,
            Height = Height,
        };
        byte[] before = plain.Draw().Pixels;
        Assert.NotEqual(before, (plain with { Title = "t" }).Draw().Pixels);
        Assert.NotEqual(before, (plain with { X = new ChartAxis("x") }).Draw().Pixels);
        Assert.NotEqual(before, (plain with { Panels = [plain.Panels[0] with { Y = new ChartAxis("y") }, plain.Panels[1]] }).Draw().Pixels);
        Assert.NotEqual(before, (plain with { Panels = [plain.Panels[0], plain.Panels[1] with { Series = [new ChartSeries("name", points)] }] }).Draw().Pixels);
        Assert.Throws<ArgumentException>(() => (plain with { Panels = [] }).Draw());
    }

    [Theory]
    [InlineData(0, 1, false, "0.0 0.2 0.4 0.6 0.8 1.0")]
    [InlineData(0, 40_000, false, "0 10k 20k 30k 40k")]
    [InlineData(0, 800_000, false, "0 200k 400k 600k 800k")]
    [InlineData(0, 3_000_000, false, "0 500k 1M 1.5M 2M 2.5M 3M")]
    [InlineData(0, 0.0002, false, "0 5e-5 1e-4 1.5e-4 2e-4")]
    [InlineData(0.0301, 0.0312, false, "0.0302 0.0304 0.0306 0.0308 0.0310 0.0312")]
    [InlineData(0.01, 1, true, "0.01 0.03 0.1 0.3 1")]
    [InlineData(0.04, 0.2, true, "0.04 0.05 0.07 0.1 0.15 0.2")]
    [InlineData(1e-6, 1, true, "1e-6 1e-4 0.01 1")]
    [InlineData(0.02, 0.4, true, "0.02 0.05 0.1 0.2")]
    [InlineData(0.9, 1.1, true, "0.90 0.95 1.00 1.05 1.10")]
    public void TicksAreRoundNumbers(double low, double high, bool logarithmic, string expected) =>
        Assert.Equal(expected, string.Join(' ', ChartScale.Across([low, high], logarithmic).Ticks(5).Select(tick => tick.Text)));
}
