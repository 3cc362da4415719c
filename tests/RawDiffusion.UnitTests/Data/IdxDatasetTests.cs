using System.Buffers.Binary;
using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests.Data;

public class IdxDatasetTests
{
    [Theory]
    [InlineData(false, "train-images-idx3-ubyte", "train-labels-idx1-ubyte")]
    [InlineData(true, "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")]
    [InlineData(false, "train-images.idx3-ubyte", "train-labels.idx1-ubyte")]
    [InlineData(true, "MNIST/raw/train-images-idx3-ubyte.gz", "MNIST/raw/train-labels-idx1-ubyte.gz")]
    [InlineData(false, "fashion-images-idx3-ubyte", "fashion-labels-idx1-ubyte")]
    public void ReadsThePair(bool gzip, string images, string labels)
    {
        using var folder = new TempFolder();
        byte[] Pack(byte[] bytes) => gzip ? Pictures.Gzip(bytes) : bytes;
        string path = folder.Write(images, Pack(Idx([3, 2, 4], 0)));
        folder.Write(labels, Pack(Idx([3], 5)));
        folder.Write("t10k-images-idx3-ubyte", Idx([1, 2, 4], 100));
        foreach (string given in images.StartsWith("fashion", StringComparison.Ordinal) ? new[] { path } : [folder.Path, path])
        {
            var data = DatasetOpener.Open(given, new DatasetOptions());
            Assert.Equal((3, 2, 4, 1, 10), (data.Count, data.Height, data.Width, data.Channels, data.ClassNames.Count));
            Assert.Equal([5, 6, 7], Enumerable.Range(0, 3).Select(data.Label));
            Assert.Equal([8, 9, 10, 11, 12, 13, 14, 15], Pictures.Read(data, 1));
            // Of the version that runs were started with, for them to go on.
            Assert.Equal("9226541d984d526f28e5c4a481a726fc6d230dd092525e63ba2dfad0f1be8a01", data.Fingerprint);
        }
    }

    [Fact]
    public void EmnistIsTurnedUpright()
    {
        using var folder = new TempFolder();
        folder.Write("emnist-letters-train-images-idx3-ubyte", Idx([2, 2, 4], 0));
        folder.Write("emnist-letters-train-labels-idx1-ubyte", Idx([2], 1));
        var warnings = new List<string>();
        var data = DatasetOpener.Open(folder.Path, new DatasetOptions { Warn = warnings.Add });
        Assert.Equal((4, 2), (data.Height, data.Width));
        Assert.Equal([8, 12, 9, 13, 10, 14, 11, 15], Pictures.Read(data, 1));
        Assert.Contains("turned upright", Assert.Single(warnings));
        // A run of the version that took them as they are stored must not go on with these.
        folder.Write("other/train-images-idx3-ubyte", Idx([2, 2, 4], 0));
        folder.Write("other/train-labels-idx1-ubyte", Idx([2], 1));
        Assert.NotEqual(DatasetOpener.Open(Path.Combine(folder.Path, "other"), new DatasetOptions()).Fingerprint, data.Fingerprint);
    }

    [Fact]
    public void OneOfSeveralSetsInAnArchiveIsGivenByItsPath()
    {
        string path = DataCases.Find("emnist-gzip.zip");
        string message = Assert.Throws<DataException>(() => DatasetOpener.Open(path, new DatasetOptions())).Message;
        string one = $"{path}/gzip/emnist-digits-train-images-idx3-ubyte.gz";
        Assert.Contains($"Give the path of one of these files, such as {one}.", message);
        Assert.Contains("gzip/emnist-letters-train-images-idx3-ubyte.gz", message);
        Assert.Equal(10, DatasetOpener.Open(one, new DatasetOptions()).ClassNames.Count);
        Assert.Contains("holds no folder gzip/nothing", Assert.Throws<DataException>(() => DatasetOpener.Open($"{path}/gzip/nothing", new DatasetOptions())).Message);
    }

    [Fact]
    public void AnArchiveThatHoldsEveryFileTwiceIsOneSet()
    {
        using var folder = new TempFolder();
        byte[] images = Idx([3, 2, 2], 0), labels = Idx([3], 1);
        string path = folder.Write("mnist.zip", Pictures.Zip(
            ("train-images-idx3-ubyte/train-images-idx3-ubyte", images), ("train-labels-idx1-ubyte/train-labels-idx1-ubyte", labels),
            ("train-images.idx3-ubyte", images), ("train-labels.idx1-ubyte", labels)));
        Assert.Equal(2, DatasetOpener.Open(path, new DatasetOptions()).Label(1));
    }

    [Fact]
    public void LabelsOfAnotherLayoutAreNamed()
    {
        using var folder = new TempFolder();
        folder.Write("qmnist-train-images-idx3-ubyte", Idx([2, 2, 2], 0));
        folder.Write("qmnist-train-labels-idx2-int.gz", [1]);
        var warnings = new List<string>();
        DatasetOpener.Open(folder.Path, new DatasetOptions { Warn = warnings.Add });
        Assert.Contains("labels of a layout beside it that is not read (qmnist-train-labels-idx2-int.gz", Assert.Single(warnings));
    }

    [Fact]
    public void ReadsOutOfAnArchive()
    {
        using var folder = new TempFolder();
        string path = folder.Write("mnist.zip", Pictures.Zip(("mnist/train-images-idx3-ubyte", Idx([3, 2, 2], 0)), ("mnist/train-labels-idx1-ubyte", Idx([3], 1))));
        Assert.Equal(2, DatasetOpener.Open(path, new DatasetOptions()).Label(1));
    }

    [Fact]
    public void WithoutLabelsItSaysSo()
    {
        using var folder = new TempFolder();
        folder.Write("train-images-idx3-ubyte", Idx([2, 2, 2], 0));
        var warnings = new List<string>();
        var data = DatasetOpener.Open(folder.Path, new DatasetOptions { Warn = warnings.Add });
        Assert.Empty(data.ClassNames);
        Assert.Equal(-1, data.Label(0));
        Assert.Contains("has no file of labels", Assert.Single(warnings));
    }

    [Fact]
    public void TheFingerprintFollowsTheContentNotThePacking()
    {
        string Fingerprint(byte first, bool gzip)
        {
            using var folder = new TempFolder();
            byte[] images = Idx([3, 2, 2], first);
            folder.Write("train-images-idx3-ubyte" + (gzip ? ".gz" : ""), gzip ? Pictures.Gzip(images) : images);
            folder.Write("train-labels-idx1-ubyte", Idx([3], 0));
            return DatasetOpener.Open(folder.Path, new DatasetOptions()).Fingerprint;
        }
        Assert.Equal(Fingerprint(0, true), Fingerprint(0, false));
        Assert.NotEqual(Fingerprint(0, false), Fingerprint(1, false));
    }

    [Theory]
    [InlineData("wrong magic", "begins with 00000801; an IDX file of bytes with 3 dimensions begins with 00000803")]
    [InlineData("short header", "it has 9 bytes, less than an IDX header of 16")]
    [InlineData("empty", "it has 0 bytes")]
    [InlineData("short body", "header promises 3 × 2 × 4 = 24 bytes, but 20 follow")]
    [InlineData("short gzip", "header promises 3 × 2 × 4 = 24 bytes, but 20 follow")]
    [InlineData("cut gzip", "train-images-idx3-ubyte")]
    [InlineData("long body", "is longer than the 3 × 2 × 4 bytes")]
    [InlineData("huge", "which a file of 40 bytes cannot hold")]
    [InlineData("negative", "each dimension must be at least 1")]
    [InlineData("memory", "more than the 10 that are allowed in memory")]
    [InlineData("label count", "holds 2 labels, but")]
    [InlineData("wild label", "label 200 of image 2 is out of range")]
    [InlineData("labels damaged", "begins with 00000803")]
    [InlineData("two sets", "holds more than one set")]
    public void NamesWhatIsWrong(string fault, string message)
    {
        using var folder = new TempFolder();
        byte[] images = Idx([3, 2, 4], 0), labels = Idx([3], 0);
        switch (fault)
        {
            case "wrong magic": images[3] = 1; break;
            case "short header": images = images[..9]; break;
            case "empty": images = []; break;
            case "short body": images = images[..^4]; break;
            case "short gzip": images = Pictures.Gzip(images[..^4]); break;
            case "cut gzip": images = Pictures.Gzip(images)[..^12]; break;
            case "long body": images = [.. images, 0]; break;
            case "huge": images.AsSpan(4, 12).Fill(0x7F); break;
            case "negative": images[4] = 0xFF; break;
            case "label count": labels = Idx([2], 0); break;
            case "wild label": labels[^1] = 200; break;
            case "labels damaged": labels = images; break;
            case "two sets": folder.Write("fashion/train-images-idx3-ubyte", Idx([3, 2, 4], 1)); break;
        }
        folder.Write("train-images-idx3-ubyte", images);
        folder.Write("train-labels-idx1-ubyte", labels);
        var options = new DatasetOptions { MemoryLimit = fault == "memory" ? 10 : 1 << 20 };
        Assert.Contains(message, Assert.Throws<DataException>(() => DatasetOpener.Open(folder.Path, options)).Message);
    }

    [Fact]
    public void ReadsMnist()
    {
        string? path = SharedFiles.Find("data/mnist");
        Assert.SkipWhen(path is null, SharedFiles.Missing);
        var data = DatasetOpener.Open(path, new DatasetOptions());
        Assert.Equal((60000, 28, 28, 1, 10), (data.Count, data.Height, data.Width, data.Channels, data.ClassNames.Count));
        Assert.Equal([5, 0, 4, 1, 9], Enumerable.Range(0, 5).Select(data.Label));
        Assert.Equal(27525, Pictures.Read(data, 0).Sum(value => value));
    }

    /// <summary>An IDX file whose bytes count up from a given one.</summary>
    private static byte[] Idx(int[] dimensions, byte first)
    {
        int body = dimensions.Aggregate(1, (product, size) => product * size);
        byte[] file = new byte[4 + 4 * dimensions.Length + body];
        (file[2], file[3]) = (8, (byte)dimensions.Length);
        for (int i = 0; i < dimensions.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 + 4 * i), dimensions[i]);
        }
        for (int i = 0; i < body; i++)
        {
            file[file.Length - body + i] = (byte)(first + i);
        }
        return file;
    }
}
