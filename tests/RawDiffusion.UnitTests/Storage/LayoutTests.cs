using RawDiffusion.Storage;

namespace RawDiffusion.UnitTests.Storage;

public class LayoutTests
{
    [Theory]
    [InlineData(3, 5, 2, 3)]
    [InlineData(1, 1, 1, 1)]
    [InlineData(4, 7, 1, 1)]
    [InlineData(2, 1, 3, 3)]
    public void EachElementLandsAtItsPlaceAndComesBack(int outputs, int inputs, int height, int width)
    {
        float[] theirs = Enumerable.Range(0, outputs * inputs * height * width).Select(i => (float)i).ToArray();
        float[] own = new float[theirs.Length];
        Layout.OihwToOhwi(theirs, own, inputs, height * width);
        for (int o = 0; o < outputs; o++)
        {
            for (int i = 0; i < inputs; i++)
            {
                for (int h = 0; h < height; h++)
                {
                    for (int w = 0; w < width; w++)
                    {
                        Assert.Equal(theirs[(((o * inputs) + i) * height + h) * width + w], own[(((o * height) + h) * width + w) * inputs + i]);
                    }
                }
            }
        }

        float[] back = new float[theirs.Length];
        Layout.OhwiToOihw(own, back, inputs, height * width);
        Assert.Equal(theirs, back);
    }

    [Fact]
    public void LengthsThatDoNotFitAreRefused()
    {
        Assert.Throws<ArgumentException>(() => Layout.OihwToOhwi(new float[10], new float[10], 2, 9));
        Assert.Throws<ArgumentException>(() => Layout.OihwToOhwi(new float[18], new float[17], 2, 9));
    }
}
