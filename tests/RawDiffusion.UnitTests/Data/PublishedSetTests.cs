using System.Text;
using RawDiffusion.Core;
using RawDiffusion.Data;

namespace RawDiffusion.UnitTests.Data;

/// <summary>CIFAR-100 and STL-10 in their binary versions, and the sets that are known by name only.</summary>
public class PublishedSetTests
{
    private const int Pixels = 96 * 96;

    [Fact]
    public void Cifar100HasFineClasses()
    {
        using var folder = new TempFolder();
        folder.Write("cifar-100-binary/train.bin", [.. Cifar(19, 99, 10), .. Cifar(0, 7, 20)]);
        folder.Write("cifar-100-binary/test.bin", Cifar(1, 1, 30));
        folder.Write("cifar-100-binary/fine_label_names.txt", Lines(100));
        folder.Write("cifar-100-binary/coarse_label_names.txt", Lines(20));
        var data = DatasetOpener.Open(folder.Path, new DatasetOptions());
        Assert.Equal((2, 32, 32, 3, 100), (data.Count, data.Height, data.Width, data.Channels, data.ClassNames.Count));
        Assert.Equal([99, 7], Enumerable.Range(0, 2).Select(data.Label));
        Assert.Equal("name 99", data.ClassNames[99]);
        Assert.Equal([20, 21, 22, 20, 21, 22], Pictures.Read(data, 1)[..6]);
        Assert.Equal($"2 RGB images of 32×32 in 100 classes from {folder.Path} (CIFAR-100)", data.Description);

        string archive = folder.Write("other/cifar-100-binary.tar.gz", Pictures.Gzip(Pictures.Tar(
            ("cifar-100-binary/train.bin", [.. Cifar(19, 99, 10), .. Cifar(0, 7, 20)]), ("cifar-100-binary/fine_label_names.txt", Lines(100)))));
        Assert.Equal(data.Fingerprint, DatasetOpener.Open(archive, new DatasetOptions()).Fingerprint);
        Assert.Equal((16, 1), (DatasetOpener.Open(archive, new DatasetOptions { Resize = new ImageSize(16, 16), Channels = 1 }) is var small ? small.Height : 0, small.Channels));
    }

    [Fact]
    public void StlIsStoredColumnAfterColumn()
    {
        using var folder = new TempFolder();
        byte[] images = new byte[2 * 3 * Pixels];
        // The second image's green at row 1, column 2.
        images[3 * Pixels + Pixels + 2 * 96 + 1] = 200;
        folder.Write("stl10_binary/train_X.bin", images);
        folder.Write("stl10_binary/train_y.bin", [1, 10]);
        folder.Write("stl10_binary/test_X.bin", images[..(3 * Pixels)]);
        folder.Write("stl10_binary/class_names.txt", Lines(10));
        var data = DatasetOpener.Open(folder.Path, new DatasetOptions());
        Assert.Equal((2, 96, 96, 3), (data.Count, data.Height, data.Width, data.Channels));
        Assert.Equal([0, 9], Enumerable.Range(0, 2).Select(data.Label));
        Assert.Equal("name 9", data.ClassNames[9]);
        Assert.Equal([(96 + 2) * 3 + 1], Pictures.Read(data, 1).Index().Where(pixel => pixel.Item != 0).Select(pixel => pixel.Index));
    }

    [Fact]
    public void StlWithoutLabelsSaysSo()
    {
        using var folder = new TempFolder();
        folder.Write("unlabeled_X.bin", new byte[3 * Pixels]);
        var warnings = new List<string>();
        Assert.Empty(DatasetOpener.Open(folder.Path, new DatasetOptions { Warn = warnings.Add }).ClassNames);
        Assert.Contains("has no file unlabeled_y.bin of labels beside it", Assert.Single(warnings));
    }

    [Theory]
    [InlineData("cifar length", "has 3073 bytes, which is no multiple of the 3074 of a CIFAR-100 record")]
    [InlineData("cifar empty", "has 0 bytes")]
    [InlineData("cifar fine", "record 1 has the labels 3 and 100")]
    [InlineData("cifar coarse", "record 1 has the labels 20 and 5")]
    [InlineData("cifar memory", "take 18,432 bytes, more than the 10,000")]
    [InlineData("stl length", "has 27647 bytes, which is no multiple of the 27648 of an STL-10 image")]
    [InlineData("stl count", "holds 2 labels for 1 images")]
    [InlineData("stl zero", "label 0 of image 0 is out of range; STL-10 has the labels 1 to 10")]
    [InlineData("stl eleven", "label 11 of image 0 is out of range")]
    public void NamesWhatIsWrong(string fault, string message)
    {
        using var folder = new TempFolder();
        if (fault.StartsWith("cifar", StringComparison.Ordinal))
        {
            byte[] record = Cifar(3, 5, 0);
            folder.Write("fine_label_names.txt", Lines(100));
            folder.Write("train.bin", fault switch
            {
                "cifar length" => record[1..],
                "cifar empty" => [],
                "cifar fine" => [.. record, .. Cifar(3, 100, 0)],
                "cifar coarse" => [.. record, .. Cifar(20, 5, 0)],
                _ => [.. record, .. record],
            });
        }
        else
        {
            folder.Write("train_X.bin", new byte[3 * Pixels - (fault == "stl length" ? 1 : 0)]);
            folder.Write("train_y.bin", fault switch { "stl count" => [1, 2], "stl zero" => [0], _ => [11] });
        }
        var options = new DatasetOptions { MemoryLimit = fault == "cifar memory" ? 10_000 : 1 << 20, Channels = 3, Resize = fault == "cifar memory" ? new ImageSize(64, 48) : null };
        Assert.Contains(message, Assert.Throws<DataException>(() => DatasetOpener.Open(folder.Path, options)).Message);
    }

    [Theory]
    [InlineData("cifar-10-batches-py/data_batch_1", "holds CIFAR-10's Python version; its binary version (data_batch_*.bin)")]
    [InlineData("cifar-100-python/train,cifar-100-python/test,cifar-100-python/meta", "holds CIFAR-100's Python version; its binary version (train.bin, fine_label_names.txt)")]
    [InlineData("train_32x32.mat", "holds SVHN's cropped digits in MATLAB's format; in Python, m = scipy.io.loadmat")]
    [InlineData("digitStruct.mat", "holds files in MATLAB's format")]
    [InlineData("mnist.npz", "holds mnist.npz, a file of NumPy, which is not opened in a folder or an archive, but by its own path")]
    public void SetsOfOtherFormsAreNamedWithTheWayOut(string files, string message)
    {
        using var folder = new TempFolder();
        foreach (string name in files.Split(','))
        {
            folder.Write(name, [0x80, 2]);
        }
        Assert.Contains(message, Assert.Throws<DataException>(() => DatasetOpener.Open(folder.Path, new DatasetOptions())).Message);
        if (files.EndsWith(".mat", StringComparison.Ordinal))
        {
            Assert.Contains(message[6..], Assert.Throws<DataException>(() => DatasetOpener.Open(folder.At(files), new DatasetOptions())).Message);
        }
    }

    [Theory]
    [InlineData("train.bin")]
    [InlineData("train_X.bin")]
    public void DamagedFilesAreRefusedInWords(string name)
    {
        using var folder = new TempFolder();
        folder.Write("fine_label_names.txt", Lines(100));
        string path = folder.Write(name, name == "train.bin" ? Cifar(19, 99, 0) : new byte[3 * Pixels]);
        Assert.InRange(Damage.Refusals(path, folder.Path), 300, 1000);
    }

    private static byte[] Lines(int count) => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, count).Select(i => $"name {i}\n")));

    /// <summary>A record whose three planes hold red, red + 1 and red + 2.</summary>
    private static byte[] Cifar(byte coarse, byte fine, byte red) => [coarse, fine, .. Enumerable.Range(0, 3072).Select(i => (byte)(red + i / 1024))];
}
