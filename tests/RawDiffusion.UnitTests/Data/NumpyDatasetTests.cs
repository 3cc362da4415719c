using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Storage;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests.Data;

public class NumpyDatasetTests
{
    [Fact]
    public void ReadsWhatSampleWrites()
    {
        using var folder = new TempFolder();
        string path = folder.At("samples.npz");
        using (var file = File.Create(path))
        {
            NpzWriter.Write(file, [NpyArray.Of("arr_0", Counting(36), 3, 2, 2, 3), NpyArray.Of("arr_1", (long[])[2, 0, 2], 3)]);
        }
        var data = DatasetOpener.Open(path, new DatasetOptions());
        Assert.Equal((3, 2, 2, 3), (data.Count, data.Height, data.Width, data.Channels));
        Assert.Equal(["0", "1", "2"], data.ClassNames);
        Assert.Equal([2, 0, 2], Enumerable.Range(0, 3).Select(data.Label));
        Assert.Equal(Counting(36)[12..24], Pictures.Read(data, 1));
        Assert.Equal($"3 RGB images of 2×2 in 3 classes from {path}", data.Description);
    }

    [Theory]
    [InlineData("2, 4, 5", 4, 5, 1, new byte[] { 0, 1, 2, 3 })]
    [InlineData("2, 4, 5, 1", 4, 5, 1, new byte[] { 0, 1, 2, 3 })]
    [InlineData("2, 4, 5, 3", 4, 5, 3, new byte[] { 0, 1, 2, 3 })]
    [InlineData("2, 1, 4, 5", 4, 5, 1, new byte[] { 0, 1, 2, 3 })]
    [InlineData("2, 3, 4, 5", 4, 5, 3, new byte[] { 0, 20, 40, 1 })]
    [InlineData("2, 3, 4, 3", 3, 4, 3, new byte[] { 0, 1, 2, 3 })]
    [InlineData("2, 1, 1, 3", 1, 1, 3, new byte[] { 0, 1, 2 })]
    [InlineData("2L, 4L, 5L", 4, 5, 1, new byte[] { 0, 1, 2, 3 })]
    public void KnowsTheLayouts(string shape, int height, int width, int channels, byte[] first)
    {
        using var folder = new TempFolder();
        string path = folder.Write("a.npy", Npy("|u1", shape, Counting(2 * height * width * channels)));
        var data = DatasetOpener.Open(path, new DatasetOptions());
        Assert.Equal((2, height, width, channels), (data.Count, data.Height, data.Width, data.Channels));
        Assert.Equal(first, Pictures.Read(data, 0)[..first.Length]);
        Assert.Empty(data.ClassNames);
    }

    [Fact]
    public void ReadsFilesOfNumPy()
    {
        string folder = StoredFiles.Folder("sets");
        var warnings = new List<string>();
        var keras = DatasetOpener.Open(Path.Combine(folder, "keras.npz"), new DatasetOptions { Warn = warnings.Add });
        Assert.Equal((3, 5, 4, 1), (keras.Count, keras.Height, keras.Width, keras.Channels));
        Assert.Equal([2, 0, 1], Enumerable.Range(0, 3).Select(keras.Label));
        Assert.Equal(Counting(60)[20..40], Pictures.Read(keras, 1));
        Assert.EndsWith("keras.npz: the images are x_train, their labels y_train; left out: x_test, y_test.", Assert.Single(warnings));

        var planes = DatasetOpener.Open(Path.Combine(folder, "train_images.npy"), new DatasetOptions());
        Assert.Equal((3, 5, 4, 3), (planes.Count, planes.Height, planes.Width, planes.Channels));
        Assert.Equal([20, 80, 140, 21, 81, 141], Pictures.Read(planes, 1)[..6]);
        Assert.Equal([2, 0, 1], Enumerable.Range(0, 3).Select(planes.Label));
    }

    [Theory]
    [InlineData("|u1")]
    [InlineData("|i1")]
    [InlineData("<u2")]
    [InlineData("<i2")]
    [InlineData("<u4")]
    [InlineData("<i4")]
    [InlineData("<u8")]
    [InlineData("<i8")]
    public void LabelsAreAnyLittleEndianWholeNumbers(string type)
    {
        int size = type[^1] - '0';
        byte[] labels = new byte[2 * size];
        (labels[0], labels[size]) = (1, 100);
        using var folder = new TempFolder();
        string path = folder.Write("set.npz", Npz(CompressionLevel.Optimal, ("images", Npy("|u1", "2, 2, 2", Counting(8))), ("labels", Npy(type, "2,", labels))));
        var data = DatasetOpener.Open(path, new DatasetOptions());
        Assert.Equal([1, 100], Enumerable.Range(0, 2).Select(data.Label));
        Assert.Equal(101, data.ClassNames.Count);
    }

    [Fact]
    public void IsBroughtToTheSizeAndChannelsAskedFor()
    {
        using var folder = new TempFolder();
        string path = folder.Write("a.npy", Npy("|u1", "1, 2, 2", [0, 10, 20, 30]));
        var data = DatasetOpener.Open(path, new DatasetOptions { Resize = new ImageSize(1, 1), Channels = 3 });
        Assert.Equal([15, 15, 15], Pictures.Read(data, 0));
    }

    [Fact]
    public void TheFingerprintFollowsTheContentNotThePacking()
    {
        using var folder = new TempFolder();
        string Fingerprint(byte first, CompressionLevel level) => DatasetOpener.Open(
            folder.Write("a.npz", Npz(level, ("arr_0", Npy("|u1", "2, 2, 2", [first, .. Counting(7)])), ("arr_1", Npy("|u1", "2,", [0, 1])))), new DatasetOptions()).Fingerprint;
        Assert.Equal(Fingerprint(0, CompressionLevel.NoCompression), Fingerprint(0, CompressionLevel.Optimal));
        Assert.NotEqual(Fingerprint(0, CompressionLevel.Optimal), Fingerprint(1, CompressionLevel.Optimal));
    }

    [Theory]
    [InlineData("float", "arr_0 <f4 [2, 2, 2]. Numbers from 0 to 1 become bytes by")]
    [InlineData("float file", "is <f4 [2, 2, 2], but images are bytes")]
    [InlineData("big endian labels", "arr_1 is >i8 [2], but the labels of 2 images are little-endian whole numbers")]
    [InlineData("one-hot labels", "Save x.argmax(1) for one-hot labels")]
    [InlineData("scalar labels", "arr_1 is |u1 [], but the labels of 1 images")]
    [InlineData("too few labels", "arr_1 is |u1 [1], but the labels of 2 images")]
    [InlineData("negative label", "arr_1 holds -1 for image 1; classes are numbers from 0 to 65535")]
    [InlineData("Fortran", "in Fortran's order")]
    [InlineData("RGBA", "RGBA as x[..., :3]")]
    [InlineData("one picture", "which may be one picture [H, W, C] or many grey ones")]
    [InlineData("flat", "is |u1 [2, 4], but images are [N, H, W]")]
    [InlineData("no images", "there is no image in it")]
    [InlineData("no rows", "the picture is said to be 0×2")]
    [InlineData("huge", "is truncated or damaged: its header promises |u1 [99999999999, 8192, 8192, 3]")]
    [InlineData("wide", "the picture is said to be 2×999999999999")]
    [InlineData("truncated", "promises |u1 [2, 2, 2], 8 bytes, but 7 follow")]
    [InlineData("too long", "promises |u1 [2, 2, 2], 8 bytes, but 9 follow")]
    [InlineData("truncated header", "its header is said to take 128 bytes, of which 40 are there or allowed")]
    [InlineData("long header", "its header is said to take 2147483660 bytes")]
    [InlineData("version", "has version 9.0 of NumPy's format")]
    [InlineData("objects", "does not describe an array of plain numbers: \"{'descr': [('a', '|u1')]")]
    [InlineData("several", "several arrays of images: a |u1 [2, 2, 2], b |u1 [2, 2, 2]. Save the one to train on as arr_0")]
    [InlineData("nothing", "it holds no array")]
    [InlineData("twice", "holds arr_0.npy twice")]
    [InlineData("cut archive", "cannot be read: ")]
    [InlineData("damaged", "its checksum is")]
    [InlineData("bomb", "more than the 100 that are allowed in memory")]
    [InlineData("many", "its 2 images take 1,536 bytes, more than the 700")]
    public void NamesWhatIsWrong(string fault, string message)
    {
        using var folder = new TempFolder();
        byte[] images = Npy("|u1", "2, 2, 2", Counting(8)), labels = Npy("|u1", "2,", [0, 1]);
        byte[] Archive(params (string, byte[])[] arrays) => Npz(CompressionLevel.NoCompression, arrays);
        byte[] damaged = Archive(("arr_0", images));
        damaged[170] ^= 1;
        byte[] set = fault switch
        {
            "float" => Archive(("arr_0", Npy("<f4", "2, 2, 2", new byte[32]))),
            "float file" => Npy("<f4", "2, 2, 2", new byte[32]),
            "big endian labels" => Archive(("arr_0", images), ("arr_1", Npy(">i8", "2,", new byte[16]))),
            "one-hot labels" => Archive(("arr_0", images), ("arr_1", Npy("|u1", "2, 10", new byte[20]))),
            "scalar labels" => Archive(("arr_0", Npy("|u1", "1, 2, 2", Counting(4))), ("arr_1", Npy("|u1", "", [0]))),
            "too few labels" => Archive(("arr_0", images), ("arr_1", Npy("|u1", "1,", [0]))),
            "negative label" => Archive(("arr_0", images), ("arr_1", Npy("|i1", "2,", [0, 0xFF]))),
            "Fortran" => Npy("|u1", "2, 2, 2", Counting(8), fortran: true),
            "RGBA" => Npy("|u1", "2, 2, 2, 4", Counting(32)),
            "one picture" => Npy("|u1", "8, 8, 3", Counting(192)),
            "flat" => Npy("|u1", "2, 4", Counting(8)),
            "no images" => Npy("|u1", "0, 2, 2", []),
            "no rows" => Npy("|u1", "2, 0, 2", []),
            "huge" => Npy("|u1", "99999999999, 8192, 8192, 3", Counting(8)),
            "wide" => Npy("|u1", "1, 2, 999999999999", Counting(8)),
            "truncated" => images[..^1],
            "too long" => [.. images, 0],
            "truncated header" => images[..40],
            "long header" => [.. NpyStart(2), 0, 0, 0, 0x80, .. images[10..]],
            "version" => [.. NpyStart(9), .. images[8..]],
            "objects" => Npy("', 'x': '", "2, 2, 2", Counting(8)) is var file ? Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(file).Replace("'', 'x': ''", "[('a', '|u1')]")) : [],
            "several" => Archive(("a", images), ("b", images)),
            "nothing" => Archive(),
            "twice" => Archive(("arr_0", images), ("arr_0", images)),
            "cut archive" => Archive(("arr_0", images), ("arr_1", labels))[..200],
            "damaged" => damaged,
            "bomb" => Npz(CompressionLevel.Optimal, ("arr_0", Npy("|u1", "5, 100, 100", new byte[50_000]))),
            _ => Npy("|u1", "2, 16, 16", new byte[512]),
        };
        string path = folder.Write(set is [0x93, ..] ? "a.npy" : "a.npz", set);
        var options = new DatasetOptions { MemoryLimit = fault switch { "bomb" => 100, "many" => 700, _ => 1 << 20 }, Channels = fault == "many" ? 3 : null };
        Assert.Contains(message, Assert.Throws<DataException>(() => DatasetOpener.Open(path, options)).Message);
    }

    [Theory]
    [InlineData("stored.npz", CompressionLevel.NoCompression)]
    [InlineData("packed.npz", CompressionLevel.Optimal)]
    [InlineData("a.npy", CompressionLevel.NoCompression)]
    public void DamagedFilesAreRefusedInWords(string name, CompressionLevel level)
    {
        using var folder = new TempFolder();
        byte[] images = Npy("|u1", "4, 5, 5, 3", Counting(300)), labels = Npy("<i8", "4,", new byte[32]);
        string path = folder.Write(name, name == "a.npy" ? images : Npz(level, ("arr_0", images), ("arr_1", labels)));
        Assert.InRange(Damage.Refusals(path, path), 400, 1000);
    }

    private static byte[] Counting(int count) => [.. Enumerable.Range(0, count).Select(i => (byte)i)];

    private static byte[] NpyStart(byte version) => [0x93, .. "NUMPY"u8, version, 0];

    /// <summary>A file as NumPy writes it: 128 bytes before the elements.</summary>
    private static byte[] Npy(string type, string shape, byte[] elements, bool fortran = false)
    {
        byte[] header = new byte[118];
        header.AsSpan().Fill((byte)' ');
        Encoding.ASCII.GetBytes($"{{'descr': '{type}', 'fortran_order': {fortran}, 'shape': ({shape}), }}", header);
        header[^1] = (byte)'\n';
        byte[] length = new byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)header.Length);
        return [.. NpyStart(1), .. length, .. header, .. elements];
    }

    private static byte[] Npz(CompressionLevel level, params (string Name, byte[] Content)[] arrays)
    {
        var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create))
        {
            foreach (var (name, content) in arrays)
            {
                using var entry = zip.CreateEntry(name + ".npy", level).Open();
                entry.Write(content);
            }
        }
        return stream.ToArray();
    }
}
