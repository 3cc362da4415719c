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
        Assert.Equal([25, 101], AreaResize.CropAndShrink(image, 1, 2).Pixels);

        // Three columns onto two: each takes one whole column and half of the middle one.
        Assert.Equal([40, 80, 40, 80], AreaResize.CropAndShrink(new Image(3, 3, 1, [30, 60, 90, 30, 60, 90, 30, 60, 90]), 2, 2).Pixels);
    }

    [Fact]
    public void ShrinkingCropsToTheWantedShapeFirst()
    {
        var wide = new Image(2, 6, 3);
        wide.Pixels.AsSpan(6, 3).Fill(50);
        wide.Pixels.AsSpan(24, 3).Fill(50);
        var shrunk = AreaResize.CropAndShrink(wide, 1, 1);
        Assert.Equal([25, 25, 25], shrunk.Pixels);
        Assert.Contains("smaller than the 3×3 asked for", Assert.Throws<DataException>(() => AreaResize.CropAndShrink(wide, 3, 3)).Message);
        Assert.Equal(wide.Pixels, AreaResize.CropAndShrink(wide, 2, 6).Pixels);
    }
}
