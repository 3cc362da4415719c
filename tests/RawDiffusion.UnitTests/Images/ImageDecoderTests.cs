using System.IO.Compression;
using RawDiffusion.Core;
using RawDiffusion.Images;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests.Images;

public class ImageDecoderTests
{
    // Cut within their second picture, these still have the whole of their first.
    private static readonly string[] SeveralPictures = ["mpo.jpg", "animated.gif", "pages.tif", "trailing.jpg", "trailing.webp", "junk.gif", "zeros.gif"];

    public static TheoryData<string> Names => [.. PillowPictures.All.Keys];

    public static TheoryData<string> Kinds => [.. PillowPictures.All.Keys.Select(PillowPictures.Kind).Distinct()];

    [Theory]
    [MemberData(nameof(Names))]
    public void PixelsAreThoseOfPillow(string name)
    {
        var image = ImageDecoder.Default.Decode(PillowPictures.Read(name));
        Assert.Equal(PillowPictures.All[name], (image.Height, image.Width, PillowPictures.Hash(image)));
    }

    [Fact]
    public void PixelsOfFiveHundredPhotosAreThoseOfPillow()
    {
        string? path = SharedFiles.Find("data/cifar10-jpg.zip");
        Assert.SkipWhen(path is null, SharedFiles.Missing);
        using var archive = ZipFile.OpenRead(path);
        string[] lines = File.ReadAllLines(Path.Combine(PillowPictures.Folder, "cifar10.txt"));
        Assert.Equal(500, lines.Length);
        foreach (string line in lines)
        {
            using var stream = archive.GetEntry(line.Split(' ')[0])!.Open();
            var file = new MemoryStream();
            stream.CopyTo(file);
            Assert.Equal(line.Split(' ')[1], PillowPictures.Hash(ImageDecoder.Default.Decode(file.ToArray())));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void AFileThatIsCutIsRefusedUnlessAllItsPixelsAreThere(string name)
    {
        byte[] file = PillowPictures.Read(name);
        string whole = PillowPictures.Hash(ImageDecoder.Default.Decode(file));
        int read = 0;
        // As text, the last number of a Netpbm file may lose a digit unnoticed.
        for (int length = 0; length < file.Length - 4; length += 11)
        {
            Image image;
            try
            {
                image = ImageDecoder.Default.Decode(file.AsSpan(0, length));
            }
            catch (DataException)
            {
                continue;
            }
            Assert.Equal(whole, PillowPictures.Hash(image));
            read++;
        }
        Assert.True(read == 0 || SeveralPictures.Contains(name), $"{read} lengths were read");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void DamageBringsNoOtherFailure(string kind)
    {
        byte[][] files = [.. PillowPictures.All.Keys.Where(name => PillowPictures.Kind(name) == kind).Select(PillowPictures.Read)];
        var random = new Random(2);
        int failed = 0;
        for (int i = 0; i < 1000; i++)
        {
            byte[] file = PillowPictures.Damage(files[i % files.Length], random);
            var failure = Record.Exception(() => ImageDecoder.Default.Decode(file));
            Assert.True(failure is null or DataException, $"file {i}: {failure}");
            failed += failure is null ? 0 : 1;
        }
        Assert.InRange(failed, 150, 1000);
    }

    [Fact]
    public void OrientationIsAppliedAsViewersDo()
    {
        var sideways = Case("orientation/o6.jpg");
        AssertNear(sideways, 3, 3, 30, 60, 210);
        AssertNear(sideways, 3, 28, 220, 30, 40);
        AssertNear(sideways, 28, 3, 240, 240, 240);
        AssertNear(sideways, 28, 28, 40, 200, 60);
        AssertNear(Case("orientation/o3.jpg"), 3, 3, 240, 240, 240);
        AssertNear(Case("orientation/o3.jpg"), 28, 28, 220, 30, 40);
        Assert.Equal((48, 32), (Case("orientation-size/sideways.jpg").Height, Case("orientation-size/sideways.jpg").Width));
    }

    [Theory]
    [InlineData("bilevel/a.tif", "bilevel/a-same-picture.png")]
    [InlineData("bmp-bitfields/a.bmp", "bmp-bitfields/same.png")]
    [InlineData("gif-trailing/newline.gif", "gif-trailing/same.png")]
    public void ReadsTheSameAsThePng(string name, string png) => Assert.Equal(Case(png).WithChannels(3).Pixels, Case(name).Pixels);

    [Theory]
    [InlineData("jpeg-extraneous/a.jpg")]
    [InlineData("webp-animated/a.webp")]
    [InlineData("gif-small-frame/frame.gif")]
    public void ReadsWhatOthersRead(string name) => Assert.Equal((32, 32, 3), (Case(name).Height, Case(name).Width, Case(name).Channels));

    [Fact]
    public void ASmallFrameStandsAtItsPlaceOnTheScreen() => AssertNear(Case("gif-small-frame/frame.gif"), 9, 9, 220, 30, 40);

    [Theory]
    [InlineData("gif-claims-16384x16384.gif", "at most 134,217,728 pixels")]
    [InlineData("jpeg-progressive-60x-scans.jpg", "more than 100 scans")]
    [InlineData("jpeg-progressive-claims-16384x16384.jpg", "at most 134,217,728 pixels")]
    [InlineData("png-1bit-16384x16384.png", "at most 134,217,728 pixels")]
    [InlineData("png-preset-dictionary.png", "compressed data is damaged")]
    public void ABombIsRefusedBeforeMemoryIsTakenForIt(string name, string message)
    {
        byte[] file = File.ReadAllBytes(CasePath("bombs", name));
        AssertRefusedCheaply(file, message);
    }

    /// <summary>Sizes of 8192 each, written over those in the header.</summary>
    [Theory]
    [InlineData("still.gif", 6, "00200020")]
    [InlineData("444.jpg", 163, "20002000")]
    [InlineData("24.bmp", 18, "0020000000200000")]
    [InlineData("lzw.tif", 2146, "0020000001010300010000000020")]
    [InlineData("p6.ppm", 0, "50360A3831393220383139320A3235350A")]
    public void ASizeThatTheFileCannotHoldIsRefused(string name, int at, string bytes)
    {
        byte[] file = PillowPictures.Read(name);
        Convert.FromHexString(bytes).CopyTo(file, at);
        AssertRefusedCheaply(file, "cannot hold 8192×8192 pixels");
    }

    [Fact]
    public void AWidePictureIsRead()
    {
        var image = ImageDecoder.Default.Decode(PngWriter.Encode(new Image(40, 17000, 3)));
        Assert.Equal((40, 17000), (image.Height, image.Width));
    }

    [Theory]
    [InlineData("", "the file is empty")]
    [InlineData("hello, this is\nno picture", "it looks like text: \"hello, this is\"")]
    [InlineData("BM is how this sentence begins", "it looks like text")]
    [InlineData("\u0001\u0002", "its first bytes are 0102")]
    [InlineData("\0\0\0\u0018ftypheic\0\0\0\0mif1heic", "it is a HEIC image, which is not read here; convert it to PNG")]
    [InlineData("\0\0\0\u0018ftypmif1\0\0\0\0mif1avif", "it is an AVIF image, which is not read here; convert it to PNG")]
    [InlineData("\0\0\0\u000CjP  \r\n\u0087\n", "it is a JPEG 2000 image")]
    [InlineData("II+\0\u0008\0\0\0", "it is a BigTIFF image")]
    [InlineData("P5\n4 x", "a number should stand at byte 5")]
    [InlineData("P5\n4 4\n70000\n", "its largest value is 70000")]
    public void OtherFilesAreDescribed(string content, string message) =>
        Assert.Contains(message, Assert.Throws<DataException>(() => ImageDecoder.Default.Decode(content.Select(c => (byte)c).ToArray())).Message);

    [Fact]
    public void AGreyFileOfPngOrPgmHasOneChannelAndAGreyJpegThree()
    {
        foreach (var (name, channels) in new[] { ("grey.png", 1), ("grey-alpha.png", 1), ("deep.png", 1), ("p5.pgm", 1), ("p4.pbm", 1), ("grey.jpg", 3), ("grey.tif", 3) })
        {
            var image = ImageDecoder.Default.Decode(PillowPictures.Read(name));
            Assert.Equal(channels, image.Channels);
            Assert.True(image.IsGrey);
        }
    }

    private static string CasePath(params string[] parts) => Path.Combine([SharedFiles.RepositoryRoot, "tests", "RawDiffusion.Testing", "Cases", "Pictures", .. parts]);

    private static Image Case(string name) => ImageDecoder.Default.Decode(File.ReadAllBytes(CasePath(name)));

    private static void AssertNear(Image image, int row, int column, params int[] colour)
    {
        for (int c = 0; c < 3; c++)
        {
            Assert.InRange(image.Pixels[(row * image.Width + column) * 3 + c], colour[c] - 8, colour[c] + 8);
        }
    }

    private static void AssertRefusedCheaply(byte[] file, string message)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(message, Assert.Throws<DataException>(() => ImageDecoder.Default.Decode(file)).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }
}
