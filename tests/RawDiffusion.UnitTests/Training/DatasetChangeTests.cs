using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Pipelines;
using RawDiffusion.Training;

namespace RawDiffusion.UnitTests.Training;

public class DatasetChangeTests
{
    private const string Files = "1111111111111111", Pixels = "v2-2222222222222222", OtherPixels = "v2-3333333333333333";

    [Theory]
    [InlineData(Pixels, Pixels, null, null)]
    [InlineData(Pixels, Pixels, Files, null)]
    [InlineData(Files, Pixels, Files, null)]
    [InlineData(Files, Files, null, null)]
    [InlineData(Pixels, OtherPixels, Files, "content (fingerprint): v2-222222222 before, v2-333333333 now). Restore the data")]
    [InlineData(Files, Pixels, null, "the run began with an older version, which read image files by libgd")]
    [InlineData(Files, Pixels, "4444444444444444", "the run began with an older version, which read image files by libgd")]
    public void ARunGoesOnWithItsOwnPixelsAlone(string before, string now, string? former, string? message)
    {
        var info = new DatasetInfo { Height = 4, Width = 4, Channels = 1, Count = 2, ClassNames = [], Fingerprint = before };
        var failure = Record.Exception(() => DatasetChange.Refuse(info, new Black(now, former)));
        if (message is null)
        {
            Assert.Null(failure);
        }
        else
        {
            Assert.Contains(message, Assert.IsType<ConfigurationException>(failure).Message);
        }
    }

    private sealed class Black(string fingerprint, string? former) : IDataset
    {
        public int Count => 2;

        public int Height => 4;

        public int Width => 4;

        public int Channels => 1;

        public IReadOnlyList<string> ClassNames => [];

        public string Description => "two black images";

        public string Fingerprint => fingerprint;

        public string? FormerFingerprint => former;

        public int Label(int index) => -1;

        public void Read(int index, Span<byte> hwc) => hwc.Clear();
    }
}
