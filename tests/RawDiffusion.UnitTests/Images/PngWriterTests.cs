using RawDiffusion.Images;

namespace RawDiffusion.UnitTests.Images;

public class PngWriterTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(7, 5, 1)]
    [InlineData(5, 7, 3)]
    [InlineData(33, 64, 3)]
    public void ReadsBackWhatItWrote(int height, int width, int channels)
    {
        var image = new Image(height, width, channels);
        new Random(1).NextBytes(image.Pixels);
        var back = ImageDecoder.Default.Decode(PngWriter.Encode(image));
        Assert.Equal((height, width, channels), (back.Height, back.Width, back.Channels));
        Assert.Equal(image.Pixels, back.Pixels);
    }

    [Fact]
    public void ShrinksSmoothAndFlatPicturesWell()
    {
        var smooth = new Image(128, 128, 3);
        for (int i = 0; i < smooth.Pixels.Length; i++)
        {
            int x = i / 3 % 128, y = i / 384;
            smooth.Pixels[i] = (byte)(x + y + (i % 3 * 20));
        }
        Assert.InRange(PngWriter.Encode(smooth).Length, 1, smooth.Pixels.Length / 50);

        var flat = new Image(128, 128, 3);
        new Random(2).NextBytes(flat.Pixels.AsSpan(0, 3 * 128));
        for (int y = 1; y < 128; y++)
        {
            flat.Pixels.AsSpan(0, 384).CopyTo(flat.Pixels.AsSpan(384 * y));
        }
        Assert.InRange(PngWriter.Encode(flat).Length, 1, 1000);
    }
}
