using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using RawDiffusion.Core;
using RawDiffusion.Data;

namespace RawDiffusion.UnitTests.Data;

public class ContainerTests
{
    [Fact]
    public void FilesAreKnownByTheirFirstBytesAndTheRestIsCounted()
    {
        using var folder = new TempFolder();
        DataCases.Write(folder, "0.png 1.png 2.png noextension notes.txt");
        folder.Write("3.jpg_large", Pictures.Png(9, 9, 9));
        folder.Write("4.tga", [0, 0, 2, 0, 0, 0]);
        folder.Write("5.jp2", [0, 0, 0, 12, .. "jP  "u8]);
        folder.Write("6.nef", "II*\0"u8.ToArray());
        folder.Write("7.png.bak", Pictures.Png(1, 1, 1));
        folder.Write("8.jpg_original", Pictures.Png(1, 1, 1));
        var set = DataCases.Open(folder.Path);
        Assert.Equal(5, set.Labels.Length);
        Assert.Equal($"Read 5 of 11 files in {folder.Path}; left out: 1 .jp2, 1 .nef, 1 .tga (of no image format that is read); 1 .bak, 1 .jpg_original, 1 .txt (no images).", set.Said);
    }

    [Fact]
    public void WhatSystemsLeaveIsNoClass()
    {
        using var folder = new TempFolder();
        string[] left = ["@eaDir/cat/THUMB.jpg", "$RECYCLE.BIN/a.png", "System Volume Information/a.png", "lost+found/a.png", "__MACOSX/a.png", ".ipynb_checkpoints/a.png", "#recycle/a.png"];
        foreach (string name in left)
        {
            folder.Write(name, Pictures.Png(1, 2, 3));
        }
        DataCases.Write(folder, "cat/0.png dog/0.png cat/Thumbs.db cat/.DS_Store dog/._0.png dog/.hidden.png cat/@eaDir/x.jpg");
        var set = DataCases.Open(folder.Path);
        Assert.Equal(("cat dog", 2), (set.Classes, set.Labels.Length));
        Assert.StartsWith($"Read 2 of 3 files in {folder.Path}; left out: #recycle/, $RECYCLE.BIN/, .ipynb_checkpoints/, @eaDir/, System Volume Information/ and 4 more (hidden or left by", set.Said);
    }

    [Fact]
    public void LinksAreFollowedAndEachFolderIsReadOnce()
    {
        using var folder = new TempFolder();
        foreach (string name in new[] { "set/cat/0.png", "set/cat/1.png", "store/dog/0.png", "store/dog/sub/1.png", "store/a.png" })
        {
            folder.Write(name, Pictures.Png(1, 2, 3));
        }
        string set = Path.Combine(folder.Path, "set");
        void Link(string name, string target) => Directory.CreateSymbolicLink(Path.Combine(set, name), target);
        Link("dog", "../store/dog");
        Link("bird", "../set/cat");
        Link("loop", ".");
        Link("above", "../..");
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "store/dog/back"), "../../set");
        File.CreateSymbolicLink(Path.Combine(set, "cat", "2.png"), "../../store/a.png");

        var found = DataCases.Open(set);
        Assert.Equal("cat dog", found.Classes);
        Assert.Equal([0, 0, 0, 1, 1], found.Labels);
        Assert.Contains("bird/, dog/back/, loop/ (a link to a folder that is read already)", found.Said);
        Assert.Contains("above/ (a link to a folder above)", found.Said);

        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "root"), "set");
        Assert.Equal(found.Labels, DataCases.Open(Path.Combine(folder.Path, "root")).Labels);
    }

    [Fact]
    public void RunsAreNeverData()
    {
        using var folder = new TempFolder();
        DataCases.Write(folder, "cat/0.png dog/0.png runs/0001-cifar10/loss.png runs/0001-cifar10/samples/step-0000002.png runs/0001-cifar10/metrics.jsonl dog/run/samples/a.png");
        folder.Write("runs/0001-cifar10/config.json", "{}"u8.ToArray());
        folder.Write("dog/run/config.json", "{}"u8.ToArray());
        folder.Write("dog/run/checkpoints/step-0000001/state.json", "{}"u8.ToArray());
        var set = DataCases.Open(folder.Path);
        Assert.Equal(("cat dog", 2), (set.Classes, set.Labels.Length));
        Assert.Contains("dog/run/, runs/0001-cifar10/ (a training run, which is never data)", set.Said);
    }

    /// <summary>Opening a pipe would wait for ever.</summary>
    [Fact]
    public void PipesAreNeverOpened()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there are no pipes among files");
        using var folder = new TempFolder();
        DataCases.Write(folder, "a.png");
        foreach (string name in new[] { "b.png", "notes" })
        {
            using var made = Process.Start("mkfifo", Path.Combine(folder.Path, name));
            made.WaitForExit();
        }
        File.CreateSymbolicLink(Path.Combine(folder.Path, "c.png"), "/dev/zero");
        string message = Assert.Throws<DataException>(() => DataCases.Open(folder.Path)).Message;
        Assert.Contains("b.png: it is no regular file, but a pipe", message);
        Assert.Contains("c.png: it is no regular file, but a device", message);
        Assert.Contains("notes (it is no regular file, but a pipe)", DataCases.Open(folder.Path, strict: false).Said);
        Assert.Contains("b.png is no regular file, but a pipe", Assert.Throws<DataException>(() => DataCases.Open(Path.Combine(folder.Path, "b.png"))).Message);
    }

    [Fact]
    public void ANameThatIsNoUtf8IsToldTruly()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "names are UTF-8 there");
        using var folder = new TempFolder();
        DataCases.Write(folder, "a.png");
        string script = $"cd '{folder.Path}' && cp a.png \"$(printf 'caf\\351.png')\" && cp a.png \"$(printf 'caf\\350.png')\"";
        using (var made = Process.Start("sh", ["-c", script]))
        {
            made.WaitForExit();
        }
        Assert.Contains("caf\uFFFD.png: a name that is no UTF-8, by which it cannot be opened; rename it", Assert.Throws<DataException>(() => DataCases.Open(folder.Path)).Message);
        Assert.Single(DataCases.Open(folder.Path, strict: false).Labels);
        using var removed = Process.Start("sh", ["-c", $"rm '{folder.Path}'/caf*"]);
        removed.WaitForExit();
    }

    [Fact]
    public void AFolderThatMayNotBeListedIsLeftOutInLenientModeOnly()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "this user may list everything");
        using var folder = new TempFolder();
        DataCases.Write(folder, "a.png secret/b.png");
        string secret = Path.Combine(folder.Path, "secret");
        File.SetUnixFileMode(secret, UnixFileMode.None);
        try
        {
            Assert.Contains("secret/: it cannot be listed", Assert.Throws<DataException>(() => DataCases.Open(folder.Path)).Message);
            Assert.Contains("secret/ (it cannot be listed)", DataCases.Open(folder.Path, strict: false).Said);
        }
        finally
        {
            File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Theory]
    [InlineData(TarEntryType.HardLink, "set/a.png", 2, "")]
    [InlineData(TarEntryType.SymbolicLink, "a.png", 2, "")]
    [InlineData(TarEntryType.SymbolicLink, "../set/./a.png", 2, "")]
    [InlineData(TarEntryType.SymbolicLink, "../set", 1, "set/b/ (a link to a folder that is read already)")]
    [InlineData(TarEntryType.SymbolicLink, "../../set", 1, "set/b (a link to ../../set, which is not in the archive)")]
    public void LinksInATarStandForWhatTheyLeadTo(TarEntryType type, string target, int count, string said)
    {
        using var folder = new TempFolder();
        string path = folder.Write("s.tar", Pictures.Tar(type, count == 2 ? "set/b.png" : "set/b", target, ("set/a.png", Pictures.Png(7, 8, 9))));
        var data = DatasetOpener.Open(path, new DatasetOptions());
        Assert.Equal(count, data.Count);
        Assert.Equal([7, 8, 9], Pictures.Read(data, count - 1)[..3]);
        Assert.Contains(said, DataCases.Open(path).Said);
    }

    [Theory]
    [InlineData("b.png", "b.png: a link, which is not followed in a zip; pack it again without links")]
    [InlineData("b", null)]
    public void LinksInAZipAreNamed(string name, string? failure)
    {
        using var folder = new TempFolder();
        var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using (var content = zip.CreateEntry("a.png").Open())
            {
                content.Write(Pictures.Png(1, 2, 3));
            }
            var link = zip.CreateEntry(name);
            link.ExternalAttributes = unchecked((int)0xA1FF0000);
            using var target = link.Open();
            target.Write("a.png"u8);
        }
        string path = folder.Write("s.zip", stream.ToArray());
        if (failure is not null)
        {
            Assert.Contains(failure, Assert.Throws<DataException>(() => DataCases.Open(path)).Message);
        }
        Assert.Contains($"left out: {name} (a link, which is not followed in a zip", DataCases.Open(path, strict: failure is null).Said);
    }

    [Fact]
    public void StoredArchivesAreReadOrNamed()
    {
        Assert.Equal([-1, -1], DataCases.Open(DataCases.Find("hardlink.tar")).Labels);
        Assert.Contains("is an xz archive", Assert.Throws<DataException>(() => DataCases.Open(DataCases.Find("images.tar.xz"))).Message);
    }

    /// <summary>What is packed to a thousandth may still be an image; how long it is decides.</summary>
    [Fact]
    public void FlatImagesAreNoBomb()
    {
        using var folder = new TempFolder();
        byte[] zeros = new byte[3 << 20];
        string path = folder.Write("s.zip", Pictures.Zip(("a.png", Pictures.Png(1, 2, 3)), ("b.png", zeros)));
        using (IContainer zip = new ZipContainer(path))
        {
            Assert.Equal(zeros, zip.Read(["b.png"]).Single().Bytes);
            Assert.Contains("the file has 3145728 bytes; up to 3145727 are read", zip.Read(["b.png"], zeros.Length - 1).Single().Failure);
        }
        path = folder.Write("s.tgz", Pictures.Gzip(Pictures.Tar(("a.png", Pictures.Png(1, 2, 3)), ("notes.txt", zeros))));
        Assert.Single(DataCases.Open(path).Labels);
    }

    [Fact]
    public void AnArchiveOfBitmapsOfOneColourIsRead()
    {
        var data = DatasetOpener.Open(DataCases.Find("flat-masks.zip"), new DatasetOptions());
        Assert.Equal((3, 1100, 1024), (data.Count, data.Height, data.Width));
    }

    /// <summary>The archives of tar before POSIX have no mark but their checksum.</summary>
    [Fact]
    public void AnOldTarIsKnownByItsChecksum()
    {
        using var folder = new TempFolder();
        var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, leaveOpen: true))
        {
            tar.WriteEntry(new V7TarEntry(TarEntryType.V7RegularFile, "a.png") { DataStream = new MemoryStream(Pictures.Png(1, 2, 3)) });
        }
        Assert.Single(DataCases.Open(folder.Write("s.tar", stream.ToArray())).Labels);
        Assert.Contains("is no set of images", Assert.Throws<DataException>(() => DataCases.Open(folder.Write("t.tar", new byte[1024]))).Message);
    }

    [Fact]
    public void NumbersOfClassesFollowTheTexts()
    {
        (string Texts, string Names, string Labels)[] cases =
        [
            ("2 0 2", "0 1 2", "2 0 2"), ("1 1", "0 1", "1 1"), ("10 9 100", "9 10 100", "1 0 2"), ("cat 7 cat", "7 cat", "1 0 1"), ("01 02", "01 02", "0 1"), ("-1 1", "-1 1", "0 1"),
        ];
        Assert.All(cases, row =>
        {
            var (labels, names) = ClassNumbers.Of(row.Texts.Split(' '));
            Assert.Equal((row.Names, row.Labels), (string.Join(' ', names), string.Join(' ', labels)));
        });
    }

    [Fact]
    public void QuotedFieldsKeepCommasQuotesAndLineBreaks()
    {
        var table = CsvTable.Parse(Encoding.UTF8.GetBytes("a,b\n\"x, \"\"y\"\"\nz\",\n,2\n"));
        Assert.Equal(["a", "b"], table.Columns);
        Assert.Equal([["x, \"y\"\nz", null], [null, "2"]], table.Rows);
    }
}
