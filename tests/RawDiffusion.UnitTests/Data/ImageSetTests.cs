using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Images;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests.Data;

public class ImageSetTests
{
    private static readonly DatasetOptions Options = new() { MemoryLimit = 1 << 20 };
    private static readonly (string, byte[])[] Animals =
    [
        ("set/train/dog/b.png", Pictures.Png(1, 2, 3)), ("set/train/cat/z.png", Pictures.Png(4, 5, 6)), ("set/train/cat/a.PNG", Pictures.Png(7, 8, 9)),
        ("set/test/cat/a.png", Pictures.Png(0, 0, 1)), ("set/train/cat/notes.txt", [1]), ("__MACOSX/set/._a.png", [2]), (".hidden.png", [3]),
    ];

    [Theory]
    [InlineData("folder")]
    [InlineData("zip")]
    [InlineData("tar")]
    [InlineData("tar.gz")]
    public void EveryContainerGivesTheSameSet(string kind)
    {
        using var folder = new TempFolder();
        string path = kind switch
        {
            "zip" => folder.Write("s.zip", Pictures.Zip(Animals)),
            "tar" => folder.Write("s.tar", Pictures.Tar(Animals)),
            "tar.gz" => folder.Write("s.tgz", Pictures.Gzip(Pictures.Tar(Animals))),
            _ => folder.Path,
        };
        foreach (var (name, content) in kind == "folder" ? Animals : [])
        {
            folder.Write(name, content);
        }
        var data = DatasetOpener.Open(path, Options);
        Assert.Equal((3, 4, 4, 3), (data.Count, data.Height, data.Width, data.Channels));
        Assert.Equal($"3 RGB images of 4×4 in 2 classes from {path}", data.Description);
        Assert.Equal(["cat", "dog"], data.ClassNames);
        Assert.Equal([0, 0, 1], Enumerable.Range(0, 3).Select(data.Label));
        Assert.Equal([7, 8, 9], Pictures.Read(data, 0)[..3]);
        Assert.Equal([1, 2, 3], Pictures.Read(data, 2)[..3]);

        using var unpacked = new TempFolder();
        foreach (var (name, content) in Animals)
        {
            unpacked.Write(name, content);
        }
        Assert.Equal(DatasetOpener.Open(Path.Combine(unpacked.Path, "set", "train"), Options).Fingerprint, data.Fingerprint);
    }

    [Fact]
    public void TheFingerprintFollowsPixelsAndClasses()
    {
        string Fingerprint(byte red, string folderOfFirst, int size)
        {
            using var folder = new TempFolder();
            folder.Write($"{folderOfFirst}/1.png", Pictures.Png(red, 2, 3));
            folder.Write("b/2.png", Pictures.Png(4, 5, 6));
            folder.Write("c/3.png", Pictures.Png(4, 5, 6));
            return DatasetOpener.Open(folder.Path, Options with { Resize = new ImageSize(size, size) }).Fingerprint;
        }
        Assert.Equal(Fingerprint(1, "a", 4), Fingerprint(1, "a", 4));
        Assert.Equal(4, new[] { Fingerprint(1, "a", 4), Fingerprint(2, "a", 4), Fingerprint(1, "b", 4), Fingerprint(1, "a", 3) }.Distinct().Count());
    }

    [Fact]
    public void TheFingerprintIsOfPixelsAndTheFormerOneOfFiles()
    {
        using var folder = new TempFolder();
        folder.Write("1.png", Pictures.Png(7, 7, 7));
        var asRgb = DatasetOpener.Open(folder.Path, Options);
        folder.Write("1.png", PngWriter.Encode(new Image(4, 4, 1, [.. Enumerable.Repeat((byte)7, 16)])));
        var asGrey = DatasetOpener.Open(folder.Path, Options);
        Assert.Matches("^v2-[0-9a-f]{64}$", asRgb.Fingerprint);
        Assert.Equal(asRgb.Fingerprint, asGrey.Fingerprint);
        Assert.Matches("^[0-9a-f]{64}$", asRgb.FormerFingerprint);
        Assert.NotEqual(asRgb.FormerFingerprint, asGrey.FormerFingerprint);
    }

    /// <summary>Where the older reader's pixels may have been others, its fingerprint does not count.</summary>
    [Theory]
    [InlineData("444.jpg", true)]
    [InlineData("rgb.png", true)]
    [InlineData("o1.jpg", true)]
    [InlineData("o6.jpg", false)]
    [InlineData("o3.png", false)]
    [InlineData("lossy.webp", false)]
    [InlineData("raw.tif", false)]
    public void TheFormerFingerprintCountsWhereThePixelsAreTheSame(string name, bool counts)
    {
        using var folder = new TempFolder();
        folder.Write(name, File.ReadAllBytes(Path.Combine(StoredFiles.Folder("pictures"), name)));
        Assert.Equal(counts, DatasetOpener.Open(folder.Path, new DatasetOptions()).FormerFingerprint is not null);
    }

    [Fact]
    public void ImagesInOneFolderHaveNoLabels()
    {
        using var folder = new TempFolder();
        folder.Write("a/b/2.png", Pictures.Png(1, 1, 1));
        folder.Write("a/b/10.png", Pictures.Png(2, 2, 2));
        var data = DatasetOpener.Open(folder.Path, Options);
        Assert.Empty(data.ClassNames);
        Assert.Equal(-1, data.Label(1));
        Assert.Equal((byte)2, Pictures.Read(data, 0)[0]);
    }

    [Fact]
    public void ImagesBesideClassFoldersAreRefused()
    {
        using var folder = new TempFolder();
        folder.Write("cat/1.png", Pictures.Png(1, 1, 1));
        folder.Write("dog/1.png", Pictures.Png(1, 1, 1));
        folder.Write("stray.png", Pictures.Png(2, 2, 2));
        Assert.Contains("images lie beside class folders: stray.png", Error(folder.Path));
    }

    [Fact]
    public void ChannelsComeFromTheImagesOrTheOptions()
    {
        using var folder = new TempFolder();
        folder.Write("1.png", PngWriter.Encode(new Image(4, 4, 1, [.. Enumerable.Range(0, 16).Select(i => (byte)i)])));
        folder.Write("2.png", Pictures.Png(9, 9, 9));
        var grey = DatasetOpener.Open(folder.Path, Options);
        Assert.Equal(1, grey.Channels);
        Assert.Equal([0, 1, 2], Pictures.Read(grey, 0)[..3]);
        Assert.Equal([9, 9, 9], Pictures.Read(grey, 1)[..3]);
        Assert.Equal([1, 1, 1], Pictures.Read(DatasetOpener.Open(folder.Path, Options with { Channels = 3 }), 0)[3..6]);

        folder.Write("3.png", Pictures.Png(9, 9, 8));
        Assert.Equal(3, DatasetOpener.Open(folder.Path, Options).Channels);
        Assert.Equal(1, DatasetOpener.Open(folder.Path, Options with { Channels = 1 }).Channels);
    }

    [Fact]
    public void MixedSizesAreNamedAndCanBeResized()
    {
        using var folder = new TempFolder();
        folder.Write("a.png", Pictures.Png(1, 2, 3, 6, 8));
        folder.Write("b.png", Pictures.Png(1, 2, 3, 6, 8));
        folder.Write("c.png", Pictures.Png(1, 2, 3, 4, 4));
        string message = Error(folder.Path);
        Assert.Contains("different sizes: a.png is 6×8, c.png is 4×4", message);
        Assert.Contains("data.resize", message);

        var data = DatasetOpener.Open(folder.Path, Options with { Resize = new ImageSize(3, 2) });
        Assert.Equal((3, 3, 2), (data.Count, data.Height, data.Width));
        var enlarged = DatasetOpener.Open(folder.Path, Options with { Resize = new ImageSize(5, 7) });
        Assert.Equal((3, 5, 7), (enlarged.Count, enlarged.Height, enlarged.Width));
        Assert.Equal([1, 2, 3], Pictures.Read(enlarged, 2)[^3..]);
    }

    [Fact]
    public void StrictModeNamesTheFirstTenBadFilesAndLenientModeLeavesThemOut()
    {
        using var folder = new TempFolder();
        byte[] good = Pictures.Png(5, 6, 7);
        for (int i = 10; i < 21; i++)
        {
            folder.Write($"bad{i}.png", i == 10 ? [] : i == 11 ? good[..^15] : "no image"u8.ToArray());
        }
        folder.Write("good.jpg", good);
        string message = Error(folder.Path);
        Assert.StartsWith($"11 of 12 images in {folder.Path} cannot be read:\n  bad10.png: the file is empty\n  bad11.png: the PNG file is truncated", message);
        Assert.Contains("bad19.png: the file is no image of a known format (it looks like text: \"no image\")", message);
        Assert.DoesNotContain("bad20", message);
        Assert.Contains("and 1 more", message);
        Assert.Contains("data.lenient", message);

        var warnings = new List<string>();
        var data = DatasetOpener.Open(folder.Path, Options with { Strict = false, Warn = warnings.Add });
        Assert.Equal(1, data.Count);
        Assert.Contains("11 of 12 images", Assert.Single(warnings));
    }

    [Fact]
    public void LenientModeStillNeedsOneGoodImage()
    {
        using var folder = new TempFolder();
        folder.Write("a.png", [1]);
        Assert.Contains("1 of 1 images", Error(folder.Path, Options with { Strict = false }));
    }

    [Fact]
    public void AnUnreadableFileIsABadFile()
    {
        using var folder = new TempFolder();
        folder.Write("b.png", Pictures.Png(1, 2, 3));
        File.CreateSymbolicLink(Path.Combine(folder.Path, "a.png"), Path.Combine(folder.Path, "nowhere.png"));
        Assert.Contains("nowhere.png, which is not there", Error(folder.Path));
    }

    [Fact]
    public void MoreThanTheMemoryLimitIsRefused()
    {
        using var folder = new TempFolder();
        folder.Write("a.png", Pictures.Png(1, 2, 3, 700, 700));
        Assert.Contains("do not fit into the 1 MiB", Error(folder.Path));
    }

    [Fact]
    public void ProgressEndsAtTheTotal()
    {
        using var folder = new TempFolder();
        string path = folder.Write("s.zip", Pictures.Zip([.. Enumerable.Range(0, 250).Select(i => ($"{i}.png", Pictures.Png((byte)i, 2, 3)))]));
        var seen = new List<(int Done, int Total)>();
        DatasetOpener.Open(path, Options with { Progress = new Listener(seen) });
        Assert.Equal([(100, 250), (200, 250), (250, 250)], seen.Order());
    }

    [Fact]
    public void ReadsTwelveThousandJpegs()
    {
        string? path = SharedFiles.Find("data/cifar10-jpg.zip");
        Assert.SkipWhen(path is null, SharedFiles.Missing);
        var data = DatasetOpener.Open(path, new DatasetOptions());
        Assert.Equal((12000, 32, 32, 3), (data.Count, data.Height, data.Width, data.Channels));
        Assert.Equal(["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"], data.ClassNames);
        Assert.Equal(Enumerable.Repeat(1200, 10), Enumerable.Range(0, data.Count).CountBy(data.Label).Select(pair => pair.Value));
    }

    private static string Error(string path, DatasetOptions? options = null) => Assert.Throws<DataException>(() => DatasetOpener.Open(path, options ?? Options)).Message;

    private sealed class Listener(List<(int, int)> seen) : IProgress<(int, int)>
    {
        public void Report((int, int) value) => seen.Add(value);
    }
}
