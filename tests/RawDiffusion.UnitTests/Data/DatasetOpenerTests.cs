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
    [InlineData("nothing", "If the data has moved, set data.path (of a run that goes on: in its config.json)")]
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
    [InlineData("tar link", "a.png: a link to /etc/passwd, which is not in the archive")]
    [InlineData("tar pipe", "a.png: no regular file")]
    [InlineData("xz", "is an xz archive (.tar.xz), which is not read. Unpack it (tar -xf) and give the folder")]
    [InlineData("bzip2", "is a bzip2 archive (.tar.bz2)")]
    [InlineData("zstd", "is a Zstandard archive (.tar.zst)")]
    [InlineData("7z", "is a 7-Zip archive, which is not read. Unpack it (7z x)")]
    [InlineData("rar", "is a RAR archive")]
    [InlineData("run", "is the folder of a training run (it holds config.json and checkpoints), not data")]
    [InlineData("only runs", "passed over: runs/0001-shapes/ (a training run, which is never data)")]
    [InlineData("zip twice", "holds a.png twice")]
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
                    "tar link" => Pictures.Tar(TarEntryType.SymbolicLink, "a.png", "/etc/passwd"),
                    "tar pipe" => Pictures.Tar(TarEntryType.Fifo, "a.png"),
                    "xz" => [0xFD, .. "7zXZ"u8, 0, 1],
                    "bzip2" => "BZh91AY"u8.ToArray(),
                    "zstd" => [0x28, 0xB5, 0x2F, 0xFD, 1],
                    "7z" => [.. "7z"u8, 0xBC, 0xAF, 0x27, 0x1C],
                    "rar" => "Rar!\u001a\a"u8.ToArray(),
                    "run" => Pictures.Zip(("config.json", []), ("metrics.jsonl", []), ("samples/a.png", good)),
                    "only runs" => Pictures.Zip(("a/config.json", []), ("runs/0001-shapes/config.json", []), ("runs/0001-shapes/checkpoints/step-0000002/state.json", []),
                        ("runs/0001-shapes/samples/a.png", good)),
                    "zip twice" => Pictures.Zip(("a.png", good), ("a.png", good)),
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
