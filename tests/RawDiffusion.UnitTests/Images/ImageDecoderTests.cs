using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.UnitTests.Images;

public class ImageDecoderTests
{
    private static readonly byte[] Red = [224, 32, 16], Blue = [16, 64, 208];

    public static TheoryData<ImageFormat, string, int> Fixtures => new()
    {
        { ImageFormat.Jpeg, nameof(ImageFixtures.Jpeg), 6 },
        { ImageFormat.Jpeg, nameof(ImageFixtures.ProgressiveJpeg), 6 },
        { ImageFormat.Jpeg, nameof(ImageFixtures.CmykJpeg), 6 },
        { ImageFormat.WebP, nameof(ImageFixtures.WebP), 8 },
        { ImageFormat.WebP, nameof(ImageFixtures.LosslessWebP), 0 },
        { ImageFormat.Gif, nameof(ImageFixtures.Gif), 0 },
        { ImageFormat.Bmp, nameof(ImageFixtures.Bmp), 0 },
        { ImageFormat.Tiff, nameof(ImageFixtures.Tiff), 0 },
        { ImageFormat.Avif, nameof(ImageFixtures.Avif), 12 },
    };

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void ReadsTheHeaderOfEveryFormat(ImageFormat format, string fixture, int tolerance)
    {
        _ = tolerance;
        Assert.Equal(new ImageHeader(format, 8, 16), ImageHeader.Read(Fixture(fixture)));
        for (int length = 0; length < 10; length++)
        {
            Assert.Throws<DataException>(() => ImageHeader.Read(Fixture(fixture).AsSpan(0, length)));
        }
    }

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void DecodesEveryFormat(ImageFormat format, string fixture, int tolerance)
    {
        Assert.SkipUnless(ImageDecoder.Default.CanDecode(format), ImageDecoder.MissingLibrary(format).Message);
        CheckColours(ImageDecoder.Default.Decode(Fixture(fixture)), tolerance);
    }

    [Theory]
    [InlineData(nameof(ImageFixtures.Jpeg))]
    [InlineData(nameof(ImageFixtures.ProgressiveJpeg))]
    [InlineData(nameof(ImageFixtures.CmykJpeg))]
    public void TurboJpegDecodesTheSame(string fixture)
    {
        var turbo = new TurboJpegCodec();
        Assert.SkipUnless(turbo.CanDecode(ImageFormat.Jpeg), "libturbojpeg is not installed");
        CheckColours(new ImageDecoder([turbo]).Decode(Fixture(fixture)), 6);
    }

    [Theory]
    [InlineData(typeof(GdCodec))]
    [InlineData(typeof(TurboJpegCodec))]
    public void GreyJpegStaysGrey(Type codec)
    {
        var decoder = new ImageDecoder([(IImageCodec)Activator.CreateInstance(codec)!]);
        Assert.SkipUnless(decoder.CanDecode(ImageFormat.Jpeg), $"the library of {codec.Name} is not installed");
        var image = decoder.Decode(ImageFixtures.GreyJpeg);
        Assert.True(image.IsGrey);
        Assert.Equal((8, 16, 3), (image.Height, image.Width, image.Channels));
    }

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void ATruncatedFileFails(ImageFormat format, string fixture, int tolerance)
    {
        _ = tolerance;
        foreach (var codec in new IImageCodec[] { new GdCodec(), new TurboJpegCodec() })
        {
            if (codec.CanDecode(format))
            {
                var decoder = new ImageDecoder([codec]);
                byte[] file = Fixture(fixture);
                Assert.Contains("truncated", Assert.Throws<DataException>(() => decoder.Decode(file.AsSpan(0, file.Length - 14))).Message);
                Assert.Throws<DataException>(() => decoder.Decode(file.AsSpan(0, file.Length / 2)));
            }
        }
        Assert.SkipUnless(ImageDecoder.Default.CanDecode(format), ImageDecoder.MissingLibrary(format).Message);
    }

    [Fact]
    public void ABmpThatLibgdMisreadsIsRefused()
    {
        Assert.SkipUnless(new GdCodec().CanDecode(ImageFormat.Bmp), "libgd is not installed");
        Assert.Contains("convert it to PNG", Assert.Throws<DataException>(() => ImageDecoder.Default.Decode(ImageFixtures.LongHeaderPaletteBmp)).Message);
    }

    [Fact]
    public void TransparencyIsComposedOverBlack()
    {
        Assert.SkipUnless(ImageDecoder.Default.CanDecode(ImageFormat.WebP), "libgd is not installed");
        var image = ImageDecoder.Default.Decode(ImageFixtures.TransparentWebP);
        Assert.InRange(image.Pixels[0], 126, 130);
        Assert.Equal((0, 0), (image.Pixels[1], image.Pixels[2]));
    }

    [Fact]
    public void AMissingLibraryIsNamedWithItsPackage()
    {
        var none = new ImageDecoder([]);
        Assert.False(none.CanDecode(ImageFormat.Jpeg));
        var error = Assert.Throws<DataException>(() => none.Decode(ImageFixtures.Jpeg));
        Assert.Contains("apt-get install libgd3", error.Message);
        Assert.Contains("libturbojpeg0", error.Message);
        Assert.Equal(3, none.Decode(PngWriter.Encode(new Image(2, 2, 3))).Channels);
    }

    [Theory]
    [InlineData("", "the file is empty")]
    [InlineData("hello, this is\nno picture", "it looks like text: \"hello, this is\"")]
    [InlineData("BM is how this sentence begins", "it looks like text")]
    [InlineData("\u0001\u0002", "its first bytes are 0102")]
    public void OtherFilesAreDescribed(string content, string message) =>
        Assert.Contains(message, Assert.Throws<DataException>(() => ImageDecoder.Default.Decode(content.Select(c => (byte)c).ToArray())).Message);

    [Fact]
    public void ABombIsRefusedByItsHeader()
    {
        byte[] gif = [.. ImageFixtures.Gif];
        (gif[6], gif[7]) = (0xFF, 0xFF);
        Assert.Contains("each side must be in 1..16384", Assert.Throws<DataException>(() => ImageDecoder.Default.Decode(gif)).Message);
    }

    private static byte[] Fixture(string name) => (byte[])typeof(ImageFixtures).GetProperty(name)!.GetValue(null)!;

    private static void CheckColours(Image image, int tolerance)
    {
        Assert.Equal((8, 16, 3), (image.Height, image.Width, image.Channels));
        foreach (var (x, y, colour) in new[] { (0, 0, Red), (2, 7, Red), (13, 0, Blue), (15, 7, Blue) })
        {
            for (int c = 0; c < 3; c++)
            {
                Assert.InRange(image.Pixels[(y * 16 + x) * 3 + c], colour[c] - tolerance, colour[c] + tolerance);
            }
        }
    }
}
