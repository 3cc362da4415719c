using RawDiffusion.Data;
using RawDiffusion.Images;

namespace RawDiffusion.UnitTests.Images;

public class ChannelStatisticsTests
{
    [Fact]
    public void ChannelsAreMeasuredApart()
    {
        var (means, deviations) = ChannelStatistics.Of([0, 255, 10, 255, 255, 20], 3);
        Assert.Equal([0, 1, 15 / 127.5 - 1], means);
        Assert.Equal(1, deviations[0], 1e-12);
        Assert.Equal(0, deviations[1], 1e-12);
        Assert.Equal(5 / 127.5, deviations[2], 1e-12);
    }

    [Fact]
    public void ASetIsMeasuredByImagesFromAllOverIt()
    {
        // Images 0, 25, 50 and 75 of a hundred, image i being i throughout.
        var (means, deviations) = DatasetStatistics.Channels(new Rising(), most: 4);
        Assert.Equal([37.5 / 127.5 - 1], means);
        Assert.Equal(Math.Sqrt(781.25) / 127.5, deviations[0], 1e-12);
    }

    private sealed class Rising : IDataset
    {
        public int Count => 100;

        public int Height => 2;

        public int Width => 3;

        public int Channels => 1;

        public IReadOnlyList<string> ClassNames => [];

        public string Description => "rising greys";

        public string Fingerprint => new('0', 64);

        public int Label(int index) => -1;

        public void Read(int index, Span<byte> hwc) => hwc.Fill((byte)index);
    }
}
