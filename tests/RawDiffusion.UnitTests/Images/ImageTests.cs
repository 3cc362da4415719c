using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.UnitTests.Images;

public class ImageTests
{
    [Theory]
    [InlineData(-1f, 0)]
    [InlineData(-7f, 0)]
    [InlineData(1f, 255)]
    [InlineData(float.PositiveInfinity, 255)]
    [InlineData(float.NaN, 0)]
    [InlineData(0f, 128)]
    public void MapsTheUnitRangeToBytes(float value, byte expected) => Assert.Equal(expected, Image.ToByte(value));

    [Fact]
    public void EveryByteSurvivesTheWayToFloatsAndBack()
    {
        for (int i = 0; i < 256; i++)
        {
            Assert.Equal(i, Image.ToByte(i / 127.5f - 1f));
        }
    }

    [Fact]
    public void GreyAndColourConvertExplicitly()
    {
        var grey = new Image(1, 3, 1, [0, 77, 255]);
        Assert.Equal([0, 0, 0, 77, 77, 77, 255, 255, 255], grey.WithChannels(3).Pixels);
        Assert.True(grey.WithChannels(3).IsGrey);
        Assert.Equal(grey.Pixels, grey.WithChannels(3).WithChannels(1).Pixels);

        var colour = new Image(1, 3, 3, [255, 0, 0, 0, 255, 0, 0, 0, 255]);
        Assert.False(colour.IsGrey);
        Assert.Equal([76, 150, 29], colour.WithChannels(1).Pixels);
    }

    [Fact]
    public void CropsTheMiddle()
    {
        var image = new Image(4, 5, 1, [.. Enumerable.Range(0, 20).Select(i => (byte)i)]);
        Assert.Equal([6, 7, 11, 12], image.CropCentre(2, 2).Pixels);
        Assert.Equal(image.Pixels, image.CropCentre(4, 5).Pixels);
    }

    [Theory]
    [InlineData(0, 4)]
    [InlineData(4, 65536)]
    public void RefusesSizesOutOfBounds(int height, int width) => Assert.Throws<DataException>(() => new Image(height, width, 1));

    [Fact]
    public void ShrinkingTakesTheMeanOverEachArea()
    {
        var image = new Image(2, 4, 1, [10, 20, 100, 101, 30, 40, 100, 101]);
        Assert.Equal([25, 101], AreaResize.CropAndResize(image, 1, 2).Pixels);

        // Three columns onto two: each takes one whole column and half of the middle one.
        Assert.Equal([40, 80, 40, 80], AreaResize.CropAndResize(new Image(3, 3, 1, [30, 60, 90, 30, 60, 90, 30, 60, 90]), 2, 2).Pixels);
    }

    [Fact]
    public void ShrinkingCropsToTheWantedShapeFirst()
    {
        var wide = new Image(2, 6, 3);
        wide.Pixels.AsSpan(6, 3).Fill(50);
        wide.Pixels.AsSpan(24, 3).Fill(50);
        var shrunk = AreaResize.CropAndResize(wide, 1, 1);
        Assert.Equal([25, 25, 25], shrunk.Pixels);
        Assert.Equal(wide.Pixels, AreaResize.CropAndResize(wide, 2, 6).Pixels);
    }

    [Fact]
    public void EnlargingIsBilinearBetweenPixelsCentres()
    {
        Assert.Equal([0, 25, 75, 100], AreaResize.CropAndResize(new Image(2, 4, 1, [9, 0, 100, 9, 9, 0, 100, 9]), 4, 4).Pixels[4..8]);
        Assert.Equal(Enumerable.Repeat((byte)7, 18), AreaResize.CropAndResize(new Image(1, 1, 3, [7, 7, 7]), 2, 3).Pixels);
        Assert.Throws<DataException>(() => AreaResize.CropAndResize(new Image(1, 1, 1), Image.MaxSide + 1, 1));
    }

    [Theory]
    [InlineData(5, 7, 5, 7)]
    [InlineData(9, 7, 3, 2)]
    [InlineData(10, 24, 10, 23)]
    [InlineData(31, 17, 30, 4)]
    [InlineData(4, 4, 9, 9)]
    [InlineData(3, 5, 24, 40)]
    [InlineData(7, 300, 16, 16)]
    [InlineData(300, 1, 2, 3)]
    public void EachPixelIsTheWeightedMeanOfItsPart(int fromHeight, int fromWidth, int height, int width)
    {
        var image = new Image(fromHeight, fromWidth, 3);
        new Random(1).NextBytes(image.Pixels);
        var part = image.CropCentre(Math.Max(1, Math.Min(fromHeight, fromWidth * height / width)), Math.Max(1, Math.Min(fromWidth, fromHeight * width / height)));
        var result = AreaResize.CropAndResize(image, height, width);
        Assert.Equal((height, width), (result.Height, result.Width));
        for (int i = 0; i < result.Pixels.Length; i++)
        {
            decimal sum = 0;
            for (int j = 0; j < part.Pixels.Length; j++)
            {
                sum += j % 3 == i % 3 ? Share(j / 3 / part.Width, part.Height, i / 3 / width, height) * Share(j / 3 % part.Width, part.Width, i / 3 % width, width) * part.Pixels[j] : 0;
            }
            Assert.InRange(result.Pixels[i], sum - 0.5001m, sum + 0.5001m);
        }
    }

    // The share of a source pixel in a target pixel, along one side: of the area that is covered, or of the distance between centres.
    private static decimal Share(int from, int source, int to, int target)
    {
        decimal scale = (decimal)source / target;
        if (source >= target)
        {
            return Math.Max(0, Math.Min((to + 1) * scale, from + 1) - Math.Max(to * scale, from)) / scale;
        }
        return Math.Max(0, 1 - Math.Abs(Math.Clamp((to + 0.5m) * scale - 0.5m, 0, source - 1) - from));
    }
}
