using Parquet;
using Parquet.Schema;
using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests.Data;

public class ParquetSetTests
{
    private const string Note = """{"info": {"features": {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}""";

    [Fact]
    public void ReadsWhatArrowWrites()
    {
        string path = Path.Combine(StoredFiles.Folder("sets"), "hub.parquet");
        var data = DatasetOpener.Open(path, new DatasetOptions());
        Assert.Equal((6, 8, 8, 3), (data.Count, data.Height, data.Width, data.Channels));
        Assert.Equal(["bird", "cat", "dog"], data.ClassNames);
        Assert.Equal([0, 1, 2, 0, 1, 2], Enumerable.Range(0, 6).Select(data.Label));
        Assert.All(Enumerable.Range(0, 6), i => Assert.Equal([(byte)(10 * i), (byte)(20 * i), (byte)(30 * i)], Pictures.Read(data, i)[..3]));
        Assert.Equal($"6 RGB images of 8×8 in 3 classes from {path}", data.Description);
        Assert.Equal((6, 4, 1), (DatasetOpener.Open(path, new DatasetOptions { Resize = new ImageSize(4, 4), Channels = 1 }) is var small ? small.Count : 0, small.Height, small.Channels));
    }

    [Fact]
    public async Task TheTrainingShardsMakeOneSet()
    {
        using var folder = new TempFolder();
        await Write(folder.At("data/train-00000-of-00002.parquet"), Note, [Red(1), Red(2)], [1, 0]);
        await Write(folder.At("data/train-00001-of-00002.parquet"), Note, [Red(3)], [1]);
        await Write(folder.At("data/test-00000-of-00001.parquet"), Note, [Red(4)], [0]);
        var data = DatasetOpener.Open(folder.Path, new DatasetOptions());
        Assert.Equal([1, 0, 1], Enumerable.Range(0, data.Count).Select(data.Label));
        Assert.Equal([1, 2, 3], Enumerable.Range(0, 3).Select(i => Pictures.Read(data, i)[0]));
        Assert.Equal(["cat", "dog"], data.ClassNames);

        var warnings = new List<string>();
        File.Delete(folder.At("data/train-00001-of-00002.parquet"));
        Assert.Equal(2, DatasetOpener.Open(folder.Path, new DatasetOptions { Warn = warnings.Add }).Count);
        Assert.EndsWith("1 of the 2 files that -00000-of-00002.parquet speaks of are there.", Assert.Single(warnings));
    }

    [Theory]
    [InlineData("int64")]
    [InlineData("int64?")]
    [InlineData("int32")]
    public async Task WithoutANoteColumnsAreKnownByTheirNames(string type)
    {
        using var folder = new TempFolder();
        string path = folder.At("a.parquet");
        await Write(path, null, [Red(1), Red(2)], [3, 0], type, flat: true);
        var data = DatasetOpener.Open(path, new DatasetOptions());
        Assert.Equal([3, 0], Enumerable.Range(0, 2).Select(data.Label));
        Assert.Equal(["0", "1", "2", "3"], data.ClassNames);
    }

    [Fact]
    public async Task ARowWithoutBytesIsNoRowOfAnother()
    {
        using var folder = new TempFolder();
        string path = folder.At("a.parquet");
        await Write(path, Note, [Red(1), null, Red(3)], [0, 1, 1]);
        Assert.Contains("a.parquet: row 0000001: it has no bytes", Error(path));
        var data = DatasetOpener.Open(path, new DatasetOptions { Strict = false });
        Assert.Equal([(1, 0), (3, 1)], Enumerable.Range(0, 2).Select(i => ((int)Pictures.Read(data, i)[0], data.Label(i))));
    }

    [Theory]
    [InlineData("label", "label of row 1 is 2; expected is a class from 0 to 1")]
    [InlineData("no label", "label of row 1 is -1; expected is a class")]
    [InlineData("no images", "its columns are picture, label. Expected is a column image or img of bytes")]
    [InlineData("no rows", "holds no rows")]
    [InlineData("note", "its note \"huggingface\", which names the classes, is no valid JSON")]
    [InlineData("image", "row 0000000: the file")]
    [InlineData("cut", "is truncated or no Parquet file that can be read")]
    [InlineData("short", "is truncated or no Parquet file that can be read")]
    [InlineData("footer", "is damaged: its description is said to take 2147483647 bytes")]
    [InlineData("memory", "which are allowed in memory. Write the set in smaller groups of rows")]
    [InlineData("classes", "are not those of the other files")]
    [InlineData("archive", "a.parquet, a Parquet file, which is not opened in an archive; unpack it")]
    public async Task NamesWhatIsWrong(string fault, string message)
    {
        using var folder = new TempFolder();
        string path = folder.At("a.parquet");
        byte[]?[] images = fault switch { "no rows" => [], "image" => ["no picture"u8.ToArray()], "memory" => [.. Enumerable.Range(0, 40).Select(i => Red((byte)i))], _ => [Red(1), Red(2)] };
        long[] labels = [.. images.Select((_, i) => i == 1 && fault is "label" or "no label" ? (fault == "label" ? 2L : -1) : 0)];
        await Write(path, fault == "note" ? "{" : fault == "no images" ? null : Note, images, labels, flat: fault == "no images", image: fault == "no images" ? "picture" : "image");
        byte[] file = File.ReadAllBytes(path);
        switch (fault)
        {
            case "cut": folder.Write("a.parquet", file[..^3]); break;
            case "short": folder.Write("a.parquet", "PAR1"u8.ToArray()); break;
            case "footer": folder.Write("a.parquet", [.. file[..^8], 0xFF, 0xFF, 0xFF, 0x7F, .. "PAR1"u8]); break;
            case "classes": await Write(folder.At("b.parquet"), Note.Replace("dog", "horse"), images, labels); break;
            case "archive": path = folder.Write("a.zip", Pictures.Zip(("a.parquet", file))); break;
        }
        Assert.Contains(message, Error(fault == "classes" ? folder.Path : path, fault == "memory" ? 1000 : 1 << 20));
    }

    [Theory]
    [InlineData(300_000, "its columns are nested without end")]
    [InlineData(-300_000, "its description is nested without end")]
    public void WhatIsNestedWithoutEndIsRefused(int depth, string message)
    {
        // Thrift's compact protocol: a list of groups that each hold the next, or a structure in a structure in a structure.
        byte[] group = [0x48, 1, (byte)'a', 0x15, 2, 0], start = [0x15, 2, 0x19, 0xFC, 0xE0, 0xA7, 0x12];
        byte[] footer = depth > 0 ? [.. start, .. Enumerable.Repeat(group, depth).SelectMany(bytes => bytes), 0x16, 0, 0x19, 0x0C, 0] : [0xFC, .. Enumerable.Repeat((byte)0x1C, -depth)];
        using var folder = new TempFolder();
        string path = folder.Write("a.parquet", [.. "PAR1"u8, .. footer, .. BitConverter.GetBytes(footer.Length), .. "PAR1"u8]);
        Assert.Contains(message, Error(path));
    }

    [Fact]
    public void DamagedFilesAreRefusedInWords()
    {
        using var folder = new TempFolder();
        string path = folder.Write("a.parquet", File.ReadAllBytes(Path.Combine(StoredFiles.Folder("sets"), "hub.parquet")));
        Assert.InRange(Damage.Refusals(path, path), 500, 1000);
    }

    private static string Error(string path, long memoryLimit = 1 << 20) =>
        Assert.Throws<DataException>(() => DatasetOpener.Open(path, new DatasetOptions { MemoryLimit = memoryLimit })).Message;

    private static byte[] Red(byte red) => Pictures.Png(red, 100, 200);

    private static async Task Write(string path, string? note, byte[]?[] images, long[] labels, string type = "int64", bool flat = false, string image = "image")
    {
        var bytes = new DataField<byte[]>(flat ? image : "bytes");
        DataField label = type switch { "int64?" => new DataField<long?>("label"), "int32" => new DataField<int>("label"), _ => new DataField<long>("label") };
        var schema = new ParquetSchema(flat ? bytes : new StructField(image, bytes, new DataField<string>("path")), label);
        await using var file = File.Create(path);
        await using var writer = await ParquetWriter.CreateAsync(schema, file);
        writer.CustomMetadata = note is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["huggingface"] = note };
        using var group = writer.CreateRowGroup();
        await group.WriteAsync(schema.DataFields[0], images!);
        if (!flat)
        {
            await group.WriteAsync(schema.DataFields[1], images.Select((_, i) => $"{i}.png").ToArray());
        }
        switch (type)
        {
            case "int64?": await group.WriteAsync<long>(label, labels.Select(value => (long?)value).ToArray().AsMemory()); break;
            case "int32": await group.WriteAsync<int>(label, labels.Select(value => (int)value).ToArray().AsMemory()); break;
            default: await group.WriteAsync<long>(label, labels.AsMemory()); break;
        }
    }
}
