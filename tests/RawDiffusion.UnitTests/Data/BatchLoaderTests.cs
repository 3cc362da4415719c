using RawDiffusion.Core;
using RawDiffusion.Data;

namespace RawDiffusion.UnitTests.Data;

public class BatchLoaderTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(5, 3)]
    [InlineData(8, 1)]
    public void BatchesDoNotDependOnTheWorkers(int workers, int queue)
    {
        var data = new ShapesDataset(50, 8);
        string[] expected = Take(data, new BatchLoaderOptions { BatchSize = 7, Seed = 3, Flip = true, PaddedHeight = 11 }, 20);
        Assert.Equal(expected, Take(data, new BatchLoaderOptions { BatchSize = 7, Seed = 3, Flip = true, PaddedHeight = 11, Workers = workers, QueueLength = queue }, 20));
    }

    [Fact]
    public void GoesOnFromTheCursor()
    {
        var data = new ShapesDataset(50, 8);
        var options = new BatchLoaderOptions { BatchSize = 7, Seed = 3, Flip = true };
        string[] straight = Take(data, options, 20);
        long cursor;
        using (var loader = new BatchLoader(data, options))
        {
            Assert.Equal(0, loader.Cursor);
            for (int i = 0; i < 9; i++)
            {
                Assert.Equal(7 * i, loader.Next().Cursor);
            }
            cursor = loader.Cursor;
        }
        Assert.Equal(63, cursor);
        Assert.Equal(straight[9..], Take(data, options with { Cursor = cursor }, 11));
    }

    [Fact]
    public void ASetSmallerThanABatchWraps()
    {
        using var loader = new BatchLoader(new Counting(3), new BatchLoaderOptions { BatchSize = 8, Seed = 1 });
        var batch = loader.Next();
        Assert.Equal([0, 1, 2], batch.Indices[..3].Order());
        Assert.Equal([0, 1, 2], batch.Indices[3..6].Order());
        Assert.Equal(batch.Indices, batch.Labels);
    }

    [Fact]
    public void PadsEvenlyAndMirrorsTheImageOnly()
    {
        var options = new BatchLoaderOptions { BatchSize = 40, Seed = 1, Flip = true, PaddedHeight = 5, PaddedWidth = 5, PaddingValue = 7 };
        using var loader = new BatchLoader(new Counting(2), options);
        var batch = loader.Next();
        Assert.Equal((5, 5, 1), (batch.Height, batch.Width, batch.Channels));
        int mirrored = 0;
        for (int n = 0; n < batch.Count; n++)
        {
            byte a = (byte)(10 * batch.Indices[n]);
            bool flip = new SampleOrder(2, 1).Flip(n);
            mirrored += flip ? 1 : 0;
            var (first, second) = flip ? ((byte)(a + 1), a) : (a, (byte)(a + 1));
            byte[] expected = [7, 7, 7, 7, 7, 7, first, second, 7, 7, 7, (byte)(first + 2), (byte)(second + 2), 7, 7, 7, (byte)(first + 4), (byte)(second + 4), 7, 7, 7, 7, 7, 7, 7];
            Assert.Equal(expected, batch.Pixels[(25 * n)..(25 * n + 25)]);
        }
        Assert.InRange(mirrored, 5, 35);
    }

    [Fact]
    public void AnImageThatCannotBeReadStopsTheConsumerAtItsBatch()
    {
        using var loader = new BatchLoader(new Counting(4) { BadAfter = 10 }, new BatchLoaderOptions { BatchSize = 4, Seed = 1, Workers = 1 });
        loader.Next();
        loader.Next();
        var error = Assert.Throws<DataException>(() => loader.Next());
        Assert.Contains("Batch 2 could not be prepared: the disk is gone", error.Message);
        Assert.IsType<IOException>(error.InnerException);
        Assert.Throws<DataException>(() => loader.Next());
        Assert.Equal(8, loader.Cursor);
    }

    [Fact]
    public void DisposalEndsTheWorkersWhileTheyWait()
    {
        var loader = new BatchLoader(new Counting(4), new BatchLoaderOptions { BatchSize = 2, Seed = 1, Workers = 3 });
        loader.Next();
        loader.Dispose();
        loader.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loader.Next());
    }

    [Fact]
    public void ABatchStaysUntilTheNextIsAskedFor()
    {
        using var loader = new BatchLoader(new ShapesDataset(500, 8), new BatchLoaderOptions { BatchSize = 2, Seed = 1, Workers = 4, QueueLength = 1 });
        for (int i = 0; i < 100; i++)
        {
            var batch = loader.Next();
            byte[] before = [.. batch.Pixels];
            Thread.Yield();
            Assert.Equal(before, batch.Pixels);
            Assert.Equal(2 * i, batch.Cursor);
        }
    }

    [Theory]
    [InlineData(0, 1, 1, 0, 0)]
    [InlineData(1, 0, 1, 0, 0)]
    [InlineData(1, 1, 0, 0, 0)]
    [InlineData(1, 1, 1, -1, 0)]
    [InlineData(1, 1, 1, 0, 2)]
    public void RefusesNumbersOutOfRange(int batch, int workers, int queue, long cursor, int padded) => Assert.Throws<ConfigurationException>(() =>
        new BatchLoader(new Counting(3), new BatchLoaderOptions { BatchSize = batch, Seed = 1, Workers = workers, QueueLength = queue, Cursor = cursor, PaddedHeight = padded }));

    private static string[] Take(IDataset data, BatchLoaderOptions options, int batches)
    {
        using var loader = new BatchLoader(data, options);
        return [.. Enumerable.Range(0, batches).Select(_ => loader.Next()).Select(batch => $"{string.Join(',', batch.Labels)} {Convert.ToHexString(batch.Pixels)}")];
    }

    /// <summary>Images of 3×2×1 whose bytes count up from ten times their number.</summary>
    private sealed class Counting(int count) : IDataset
    {
        private int _reads;

        public int BadAfter { get; init; } = int.MaxValue;

        public int Count => count;

        public int Height => 3;

        public int Width => 2;

        public int Channels => 1;

        public IReadOnlyList<string> ClassNames { get; } = [.. Enumerable.Range(0, count).Select(i => $"{i}")];

        public string Description => "counting";

        public string Fingerprint => "";

        public int Label(int index) => index;

        public void Read(int index, Span<byte> hwc)
        {
            if (Interlocked.Increment(ref _reads) > BadAfter)
            {
                throw new IOException("the disk is gone");
            }
            for (int i = 0; i < 6; i++)
            {
                hwc[i] = (byte)(10 * index + i);
            }
        }
    }
}
