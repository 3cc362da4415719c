using RawDiffusion.Core;
using RawDiffusion.Data;

namespace RawDiffusion.UnitTests.Data;

/// <summary>The part of a set that is asked for.</summary>
public sealed class DatasetSplitTests
{
    [Theory]
    [InlineData("train/a/1.png train/b/2.png test/a/3.png test/b/4.png test/b/5.png", 2, 3)]
    [InlineData("train/1.png train/2.png valid/3.png", 2, 1)]
    [InlineData("train/1.png val/2.png val/3.png test/4.png", 1, 1)]
    [InlineData("set/Training/1.png set/Testing/2.png set/Testing/3.png", 1, 2)]
    public void FoldersThatArePartsAreTakenByName(string names, int training, int test)
    {
        using var folder = new TempFolder();
        string path = DataCases.Write(folder, names);
        Assert.Equal(training, Count(path, DatasetSplit.Train));
        Assert.Equal(test, Count(path, DatasetSplit.Test));
        Assert.Equal(test, Count(path, DatasetSplit.TestIfAny));
    }

    [Theory]
    [InlineData("a/1.png b/2.png")]
    [InlineData("1.png 2.png")]
    [InlineData("bus/1.png test/2.png")]
    public void ASetWithoutPartsHasNoTestPart(string names)
    {
        using var folder = new TempFolder();
        string path = DataCases.Write(folder, names);
        Assert.Equal(2, Count(path, DatasetSplit.Train));
        Assert.Equal(2, Count(path, DatasetSplit.TestIfAny));
        Assert.Contains("has no test part", Assert.Throws<DataException>(() => Count(path, DatasetSplit.Test)).Message);
    }

    [Fact]
    public void TheBinarySetsHaveATestFile()
    {
        using var folder = new TempFolder();
        byte[] Batch(int records) => [.. Enumerable.Range(0, records).SelectMany(i => (byte[])[(byte)i, .. new byte[3072]])];
        folder.Write("data_batch_1.bin", Batch(3));
        folder.Write("data_batch_2.bin", Batch(2));
        Assert.Equal(5, Count(folder.Path, DatasetSplit.TestIfAny));
        folder.Write("test_batch.bin", Batch(4));
        Assert.Equal(5, Count(folder.Path, DatasetSplit.Train));
        Assert.Equal(4, Count(folder.Path, DatasetSplit.Test));
    }

    /// <summary>Size and channels are what was asked for in these sets, too, and another set than the plain one.</summary>
    [Fact]
    public void TheBinarySetsAreFitted()
    {
        using var folder = new TempFolder();
        folder.Write("data_batch_1.bin", [.. Enumerable.Range(0, 3).SelectMany(i => (byte[])[(byte)i, .. Enumerable.Repeat((byte)(40 * i), 3072)])]);
        var plain = DatasetOpener.Open(folder.Path, new DatasetOptions());
        var fitted = DatasetOpener.Open(folder.Path, new DatasetOptions { Resize = new ImageSize(8, 12), Channels = 1 });
        Assert.Equal((3, 8, 12, 1), (fitted.Count, fitted.Height, fitted.Width, fitted.Channels));
        byte[] image = new byte[96];
        fitted.Read(2, image);
        Assert.All(image, value => Assert.Equal(80, value));
        Assert.Equal((2, plain.ClassNames[2]), (fitted.Label(2), fitted.ClassNames[2]));
        Assert.NotEqual(plain.Fingerprint, fitted.Fingerprint);
        Assert.Equal(plain.Fingerprint, DatasetOpener.Open(folder.Path, new DatasetOptions { Resize = new ImageSize(32, 32), Channels = 3 }).Fingerprint);
        Assert.Contains("data.resize", Assert.Throws<DataException>(() => DatasetOpener.Open(folder.Path, new DatasetOptions { Resize = new ImageSize(512, 512), MemoryLimit = 1 << 20 })).Message);
    }

    private static int Count(string path, DatasetSplit split) => DatasetOpener.Open(path, new DatasetOptions { Split = split }).Count;
}
