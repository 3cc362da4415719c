using System.Text;
using RawDiffusion.Core;
using RawDiffusion.Data;

namespace RawDiffusion.UnitTests.Data;

public class CifarDatasetTests
{
    [Fact]
    public void ReadsTheTrainingBatchesInOrder()
    {
        using var folder = new TempFolder();
        folder.Write("cifar-10-batches-bin/data_batch_1.bin", [.. Record(3, 10), .. Record(9, 20)]);
        folder.Write("cifar-10-batches-bin/data_batch_2.bin", Record(0, 30));
        folder.Write("cifar-10-batches-bin/test_batch.bin", Record(1, 40));
        folder.Write("cifar-10-batches-bin/batches.meta.txt", Encoding.UTF8.GetBytes(string.Join('\n', "abcdefghij".Select(c => c.ToString())) + "\n\n"));
        var data = DatasetOpener.Open(folder.Path, new DatasetOptions());
        Assert.Equal((3, 32, 32, 3), (data.Count, data.Height, data.Width, data.Channels));
        Assert.Equal([3, 9, 0], Enumerable.Range(0, 3).Select(data.Label));
        Assert.Equal("abcdefghij", string.Concat(data.ClassNames));
        Assert.Equal([20, 21, 22, 20, 21, 22], Pictures.Read(data, 1)[..6]);

        string archive = folder.Write("cifar.tar.gz", Pictures.Gzip(Pictures.Tar(("c/data_batch_1.bin", Record(3, 10)))));
        Assert.Equal("airplane", DatasetOpener.Open(archive, new DatasetOptions()).ClassNames[0]);
    }

    [Fact]
    public void NamesWhatIsWrong()
    {
        using var folder = new TempFolder();
        string Error(byte[] batch)
        {
            folder.Write("data_batch_1.bin", batch);
            return Assert.Throws<DataException>(() => DatasetOpener.Open(folder.Path, new DatasetOptions())).Message;
        }
        Assert.Contains("has 3072 bytes, which is no multiple of the 3073", Error(Record(0, 0)[1..]));
        Assert.Contains("has 0 bytes", Error([]));
        Assert.Contains("record 1 has label 10", Error([.. Record(0, 0), .. Record(10, 0)]));
    }

    [Fact]
    public void ThePythonVersionIsRecognised()
    {
        using var folder = new TempFolder();
        folder.Write("cifar-10-batches-py/data_batch_1", [0x80, 2]);
        Assert.Contains("Python version", Assert.Throws<DataException>(() => DatasetOpener.Open(folder.Path, new DatasetOptions())).Message);
    }

    /// <summary>A record whose three planes hold red, red + 1 and red + 2.</summary>
    private static byte[] Record(byte label, byte red) => [label, .. Enumerable.Range(0, 3072).Select(i => (byte)(red + i / 1024))];
}
