using System.Security.Cryptography;
using RawDiffusion.Core;
using RawDiffusion.Data;

namespace RawDiffusion.UnitTests.Data;

public class ShapesDatasetTests
{
    [Fact]
    public void DrawsTheSameBytesEverywhere()
    {
        var data = new ShapesDataset();
        byte[] first = [.. Enumerable.Range(0, 64).SelectMany(i => Pictures.Read(data, i))];
        Assert.Equal("603a118bb3c23910e6a2ebbbe0f80aeaf110bd5a6a7a5e26c49f8b3436b865dd", Convert.ToHexStringLower(SHA256.HashData(first)));
        Assert.Equal("c5e3c9606a378064c7eb8f3e488bf8e71c9952953f0cbe05572f08a47563a557", Convert.ToHexStringLower(SHA256.HashData(Pictures.Read(new ShapesDataset(100, 20), 99))));
    }

    [Fact]
    public void TellsWhatItIs()
    {
        var data = new ShapesDataset(1000, 24);
        Assert.Equal((1000, 24, 24, 3, 8), (data.Count, data.Height, data.Width, data.Channels, data.ClassNames.Count));
        Assert.Equal("1,000 RGB images of 24×24 in 8 classes, the built-in shapes", data.Description);
        Assert.Matches("^[0-9a-f]{64}$", data.Fingerprint);
        Assert.NotEqual(data.Fingerprint, new ShapesDataset(1001, 24).Fingerprint);
        Assert.NotEqual(data.Fingerprint, new ShapesDataset(1000, 25).Fingerprint);
        Assert.Equal(Enumerable.Repeat(125, 8), Enumerable.Range(0, 1000).CountBy(data.Label).Select(pair => pair.Value));
    }

    [Fact]
    public void EveryImageShowsABrightShapeOnDarkGround()
    {
        var data = new ShapesDataset();
        for (int i = 0; i < 400; i++)
        {
            byte[] image = Pictures.Read(data, i);
            byte[] brightest = [.. image.Chunk(3).Select(pixel => pixel.Max())];
            Assert.InRange(brightest.Count(value => value > 200), 80, 600);
            foreach (int corner in new[] { 0, 31, 31 * 32, 1023 })
            {
                Assert.InRange(brightest[corner], 0, 90);
            }
        }
    }

    [Theory]
    [InlineData(0, 32)]
    [InlineData(10, 7)]
    [InlineData(10, 1025)]
    public void RefusesNumbersOutOfRange(int count, int size) => Assert.Throws<ConfigurationException>(() => new ShapesDataset(count, size));
}
