using System.Formats.Tar;
using System.IO.Compression;
using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Images;

namespace RawDiffusion.UnitTests.Data;

public class DatasetOpenerTests
{
    [Fact]
    public void WithoutAPathTheShapesAreDrawn()
    {
        var data = DatasetOpener.Open(null, new DatasetOptions { ShapesCount = 5, ShapesSize = 16 });
        Assert.Equal((5, 16), (data.Count, data.Width));
    }

    [Theory]
    [InlineData("nothing", "There is no file or folder")]
    [InlineData("empty folder", "it is empty. Accepted are")]
    [InlineData("other files", "2 other files are there: a.csv, b.arrow. Accepted are")]
    [InlineData("text", "it looks like text: \"hello\"")]
    [InlineData("empty file", "the file is empty")]
    [InlineData("image", "is a single Png image; to train, give the folder")]
    [InlineData("empty zip", "There are no images in")]
    [InlineData("broken zip", "cannot be read as a zip archive")]
    [InlineData("broken gzip", "cannot be read as a tar archive")]
    [InlineData("gzip of text", "cannot be read as a tar archive")]
    [InlineData("cut tar", "cannot be")]
    [InlineData("tar with a bad header", "cannot be read as a tar archive")]
    [InlineData("zip leaving", "\"../../evil.png\", which points outside the archive")]
    [InlineData("zip absolute", "\"/etc/evil.png\", which points outside the archive")]
    [InlineData("zip backslash", "which points outside the archive")]
    [InlineData("zip drive", "which points outside the archive")]
    [InlineData("tar leaving", "\"a/../../evil.png\", which points outside the archive")]
    [InlineData("tar link", "a.png is a link or a device")]
    [InlineData("zip twice", "holds a.png twice")]
    [InlineData("zip bomb", "That is a decompression bomb")]
    [InlineData("tar bomb", "That is a decompression bomb")]
    [InlineData("zip damage", "a.png: it is damaged: its checksum is")]
    public void ErrorsTellWhatWasFound(string fault, string message)
    {
        using var folder = new TempFolder();
        byte[] good = Pictures.Png(1, 2, 3);
        switch (fault)
        {
            case "nothing" or "empty folder":
                break;
            case "other files":
                folder.Write("a.csv", [1]);
                folder.Write("b.arrow", [1]);
                break;
            default:
                folder.Write("set", fault switch
                {
                    "text" => "hello\nworld"u8.ToArray(),
                    "empty file" => [],
                    "image" => good,
                    "empty zip" => Pictures.Zip(),
                    "broken zip" => Pictures.Zip(("a.png", good))[..60],
                    "broken gzip" => [0x1F, 0x8B, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
                    "gzip of text" => Pictures.Gzip([.. Enumerable.Repeat((byte)'x', 2000)]),
                    "cut tar" => Pictures.Tar(("a.png", good))[..1100],
                    "tar with a bad header" => BadTar(good),
                    "zip leaving" => Pictures.Zip(("../../evil.png", good)),
                    "zip absolute" => Pictures.Zip(("/etc/evil.png", good)),
                    "zip backslash" => Pictures.Zip(("a\\..\\..\\evil.png", good)),
                    "zip drive" => Pictures.Zip(("C:/evil.png", good)),
                    "tar leaving" => Pictures.Tar(("a/../../evil.png", good)),
                    "tar link" => TarWithLink(),
                    "zip twice" => Pictures.Zip(("a.png", good), ("a.png", good)),
                    "zip bomb" => Pictures.Zip(("a.png", good), ("b.png", new byte[3 << 20])),
                    "tar bomb" => Pictures.Gzip(Pictures.Tar(("a.png", good), ("b.png", new byte[3 << 20]))),
                    _ => DamagedZip(),
                });
                break;
        }
        string path = fault is "empty folder" or "other files" ? folder.Path : Path.Combine(folder.Path, "set");
        Assert.Contains(message, Assert.Throws<DataException>(() => DatasetOpener.Open(path, new DatasetOptions())).Message);
    }

    [Fact]
    public void HostileArchivesAreRefusedWhateverByteIsDamaged()
    {
        using var folder = new TempFolder();
        foreach (byte[] archive in new[] { Pictures.Zip(("a.png", Pictures.Png(1, 2, 3))), Pictures.Tar(("a.png", Pictures.Png(1, 2, 3))), Pictures.Gzip(Pictures.Tar(("a.png", Pictures.Png(1, 2, 3)))) })
        {
            for (int i = 0; i < archive.Length; i += 11)
            {
                byte[] damaged = [.. archive];
                damaged[i] ^= 0xFF;
                string path = folder.Write("set", damaged);
                try
                {
                    Assert.Equal(1, DatasetOpener.Open(path, new DatasetOptions()).Count);
                }
                catch (DataException)
                {
                    // Some bytes (times, padding) may change without harm; all others must be told like this.
                }
            }
        }
    }

    private static byte[] BadTar(byte[] image)
    {
        byte[] tar = Pictures.Tar(("a.png", image));
        int header = tar.Length - 1024 - 512 - (image.Length + 511) / 512 * 512;
        tar[header + 124] ^= 0x55;
        return tar;
    }

    private static byte[] TarWithLink()
    {
        var stream = new MemoryStream();
        using (var tar = new TarWriter(stream))
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "a.png") { LinkName = "/etc/passwd" });
        }
        return stream.ToArray();
    }

    private static byte[] DamagedZip()
    {
        var image = new Image(8, 8, 3);
        new Random(1).NextBytes(image.Pixels);
        var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create))
        {
            using var entry = zip.CreateEntry("a.png", CompressionLevel.NoCompression).Open();
            entry.Write(PngWriter.Encode(image));
        }
        byte[] bytes = stream.ToArray();
        bytes[100] ^= 1;
        return bytes;
    }
}
