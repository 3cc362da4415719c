using FsCheck;
using FsCheck.Fluent;
using RawDiffusion.Data;

namespace RawDiffusion.UnitTests.Data;

public class SampleOrderTests
{
    [Fact]
    public void EveryEpochShowsEachImageOnce() =>
        Prop.ForAll(ArbMap.Default.ArbFor<PositiveInt>(), ArbMap.Default.ArbFor<ulong>(), ArbMap.Default.ArbFor<NonNegativeInt>(), (count, seed, epoch) =>
        {
            var order = new SampleOrder(count.Get, seed);
            long start = (long)epoch.Get * count.Get;
            return Enumerable.Range(0, count.Get).Select(i => order.Index(start + i)).Order().SequenceEqual(Enumerable.Range(0, count.Get));
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(60_000)]
    [InlineData(65_537)]
    public void LargeSetsToo(int count)
    {
        var order = new SampleOrder(count, 7);
        Assert.Equal(count, Enumerable.Range(0, count).Select(i => order.Index(i)).Distinct().Count());
    }

    [Fact]
    public void TheLargestSetAndTheFarthestPositionsWork()
    {
        var order = new SampleOrder(int.MaxValue, 7);
        Assert.InRange(order.Index(long.MaxValue), 0, int.MaxValue - 1);
        Assert.Equal(1000, Enumerable.Range(0, 1000).Select(i => order.Index(i)).Distinct().Count());
    }

    [Fact]
    public void EpochsAndSeedsHaveOrdersOfTheirOwn()
    {
        int[] Order(ulong seed, int epoch) => [.. Enumerable.Range(0, 100).Select(i => new SampleOrder(100, seed).Index(100 * epoch + i))];
        Assert.Equal(Order(1, 0), Order(1, 0));
        Assert.NotEqual(Order(1, 0), Order(1, 1));
        Assert.NotEqual(Order(1, 0), Order(2, 0));
        Assert.NotEqual(Enumerable.Range(0, 100), Order(1, 0));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(17)]
    public void EveryImageIsAsLikelyAtEveryPlace(int count)
    {
        // Over 4,000 epochs the counts of each (place, image) are binomial; six standard deviations never fail by chance.
        const int Epochs = 4000;
        var order = new SampleOrder(count, 99);
        int[,] counts = new int[count, count];
        for (long position = 0; position < (long)Epochs * count; position++)
        {
            counts[position % count, order.Index(position)]++;
        }
        double mean = Epochs / (double)count, reach = 6 * Math.Sqrt(mean * (1 - 1.0 / count));
        foreach (int seen in counts)
        {
            Assert.InRange(seen, mean - reach, mean + reach);
        }
    }

    [Fact]
    public void HalfOfTheImagesAreFlippedAndNotTheSameEveryEpoch()
    {
        var order = new SampleOrder(1000, 5);
        bool[] flips = [.. Enumerable.Range(0, 2000).Select(i => order.Flip(i))];
        Assert.InRange(flips.Count(flip => flip), 850, 1150);
        Assert.NotEqual(flips[..1000], flips[1000..]);
    }

    [Fact]
    public void TheOrderIsPinned() => Assert.Equal([2, 8, 5, 3, 6, 7, 4, 9, 1, 0], Enumerable.Range(0, 10).Select(i => new SampleOrder(10, 1).Index(i)));
}
