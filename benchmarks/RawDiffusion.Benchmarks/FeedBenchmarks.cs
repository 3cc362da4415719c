using BenchmarkDotNet.Attributes;
using RawDiffusion.Data;

namespace RawDiffusion.Benchmarks;

/// <summary>A batch of images made ready for training: far below a training step, or the device would wait for its data.</summary>
public class FeedBenchmarks
{
    private BatchLoader _loader = null!;

    [Params("mnist", "cifar10")]
    public string Preset { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        var (batch, size, channels) = Preset == "mnist" ? (64, 28, 1) : (8, 32, 3);
        _loader = new BatchLoader(new Plain(4096, size, channels), new BatchLoaderOptions { BatchSize = batch, Flip = true, Seed = 1 });
    }

    [GlobalCleanup]
    public void Cleanup() => _loader.Dispose();

    [Benchmark]
    public Batch NextBatch() => _loader.Next();

    /// <summary>Images of random bytes in memory, as decoded sets are.</summary>
    private sealed class Plain : IDataset
    {
        private readonly byte[] _pixels;

        public Plain(int count, int size, int channels)
        {
            (Count, Height, Channels) = (count, size, channels);
            _pixels = new byte[count * size * size * channels];
            new Random(0).NextBytes(_pixels);
        }

        public int Count { get; }

        public int Height { get; }

        public int Width => Height;

        public int Channels { get; }

        public IReadOnlyList<string> ClassNames => [];

        public string Description => "random bytes";

        public string Fingerprint => "";

        public int Label(int index) => -1;

        public void Read(int index, Span<byte> hwc) => _pixels.AsSpan(index * hwc.Length, hwc.Length).CopyTo(hwc);
    }
}
