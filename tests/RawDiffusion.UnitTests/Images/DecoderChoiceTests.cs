using System.Runtime.InteropServices;
using RawDiffusion.Core;
using RawDiffusion.Images;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using SkiaSharp;
using Image = RawDiffusion.Images.Image;

namespace RawDiffusion.UnitTests.Images;

/// <summary>
/// Why each format is read by the library that reads it: what they make of the stored pictures without any of our checks, beside what our decoder makes of them. A row
/// that changes with a new version of a package says that the choice is to be looked at again. PNG goes to ImageSharp all the same: it keeps 16 bits, of which SkiaSharp
/// cuts off the lower half (<see cref="PngTests.ReadsEveryKind"/>), and PNGs are checked before it sees them.
/// </summary>
public class DecoderChoiceTests
{
    /// <summary>
    /// Kind, library, pictures whose pixels are Pillow's, cut files that pass with other pixels, and exceptions of kinds not its own of 1,000 damaged files.
    /// </summary>
    [Theory]
    [InlineData(".png", "ImageSharp", 9, 0, 4)]
    [InlineData(".png", "SkiaSharp", 9, 0, 0)]
    [InlineData(".png", "ours", 9, 0, 0)]
    [InlineData(".jpg", "ImageSharp", 0, 52, 1)]
    [InlineData(".jpg", "SkiaSharp", 20, 0, 0)]
    [InlineData(".jpg", "ours", 20, 0, 0)]
    [InlineData(".webp", "ImageSharp", 7, 0, 22)]
    [InlineData(".webp", "SkiaSharp", 9, 0, 0)]
    [InlineData(".webp", "ours", 9, 0, 0)]
    [InlineData(".gif", "ImageSharp", 10, 67, 14)]
    [InlineData(".gif", "SkiaSharp", 10, 0, 0)]
    [InlineData(".gif", "ours", 10, 0, 0)]
    [InlineData(".bmp", "ImageSharp", 18, 152, 31)]
    [InlineData(".bmp", "SkiaSharp", 20, 0, 0)]
    [InlineData(".bmp", "ours", 20, 0, 0)]
    [InlineData(".tif", "ImageSharp", 20, 41, 41)]
    [InlineData(".tif", "ours", 30, 0, 0)]
    [InlineData(".pnm", "ImageSharp", 7, 80, 36)]
    [InlineData(".pnm", "ours", 10, 0, 0)]
    public void LibrariesBesideEachOther(string kind, string library, int equal, int cut, int foreign)
    {
        Func<byte[], Image> decode = library switch { "ImageSharp" => ByImageSharp, "SkiaSharp" => BySkiaSharp, _ => file => ImageDecoder.Default.Decode(file) };
        // The eight turned ones are for the decoder's own tests.
        string[] names = [.. PillowPictures.All.Keys.Where(name => PillowPictures.Kind(name) == kind && !(name[0] == 'o' && char.IsAsciiDigit(name[1])))];
        var random = new Random(3);
        int foundEqual = 0, foundCut = 0, foundForeign = 0;
        foreach (string name in names)
        {
            byte[] file = PillowPictures.Read(name);
            string? whole = Try(decode, file);
            foundEqual += whole == PillowPictures.All[name].Hash ? 1 : 0;
            for (int tenth = 1; whole is not null && tenth < 10; tenth++)
            {
                foundCut += Try(decode, file[..(file.Length * tenth / 10)]) is { } part && part != whole ? 1 : 0;
            }
        }
        for (int i = 0; i < 1000; i++)
        {
            byte[] file = PillowPictures.Damage(PillowPictures.Read(names[i % names.Length]), random);
            var failure = Record.Exception(() => decode(file));
            foundForeign += failure is null or DataException or ImageFormatException or NotSupportedException ? 0 : 1;
        }
        Assert.Equal((equal, cut, foreign), (foundEqual, foundCut, foundForeign));
    }

    private static string? Try(Func<byte[], Image> decode, byte[] file)
    {
        Image? image = null;
        return Record.Exception(() => image = decode(file)) is null ? PillowPictures.Hash(image!) : null;
    }

    private static Image ByImageSharp(byte[] file)
    {
        using var read = SixLabors.ImageSharp.Image.Load<Rgba32>(file);
        byte[] rgba = new byte[4 * read.Width * read.Height];
        read.CopyPixelDataTo(rgba);
        return OverBlack(rgba, read.Height, read.Width);
    }

    private static Image BySkiaSharp(byte[] file)
    {
        using var data = SKData.CreateCopy(file);
        using var codec = SKCodec.Create(data) ?? throw new DataException("no codec");
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        if (info.Width * (long)info.Height > 1 << 24)
        {
            throw new DataException("larger than the test has time for");
        }
        byte[] rgba = new byte[info.BytesSize];
        var pinned = GCHandle.Alloc(rgba, GCHandleType.Pinned);
        try
        {
            var result = codec.GetPixels(info, pinned.AddrOfPinnedObject());
            return result == SKCodecResult.Success ? OverBlack(rgba, info.Height, info.Width) : throw new DataException($"{result}");
        }
        finally
        {
            pinned.Free();
        }
    }

    private static Image OverBlack(byte[] rgba, int height, int width)
    {
        var image = new Image(height, width, 3);
        for (int i = 0; i < image.Pixels.Length; i++)
        {
            image.Pixels[i] = (byte)((2 * rgba[i / 3 * 4 + i % 3] * rgba[i / 3 * 4 + 3] + 255) / 510);
        }
        return image;
    }
}
