using RawDiffusion.Core;
using RawDiffusion.Storage;

namespace RawDiffusion.UnitTests.Storage;

public class SafetensorsRoundTripTests
{
    [Fact]
    public void WhatIsWrittenIsReadBack()
    {
        using var folder = new TempFolder();
        using var reader = SafetensorsReader.Open(folder.Write("x", SafetensorsFile.Valid()));
        Assert.Equal(["timestep", "a.weight", "nothing", "scalar", "half", "flags"], reader.Names);
        Assert.Equal([1f, 2, 3, 4, 5, 6], reader.ReadFloats("a.weight"));
        Assert.Equal([2L, 3], reader.Entry("a.weight").Shape);
        Assert.Equal([1f, -2], reader.ReadFloats("half"));
        Assert.Equal([-1, long.MaxValue], reader.ReadInt64("timestep"));
        Assert.Equal([1, 0, 1], reader.ReadInt64("flags"));
        Assert.Equal([0.5f], reader.ReadFloats("scalar"));
        Assert.Empty(reader.ReadFloats("nothing"));
        Assert.Equal("pt", reader.Metadata["format"]);
    }

    [Fact]
    public void EveryTypeConverts()
    {
        using var folder = new TempFolder();
        using var stream = new MemoryStream();
        double[] doubles = [1.5, -1e300, 1 + 1e-12];
        SafetensorsWriter.Write(stream, [
            TensorSource.Bytes("f64", TensorDType.F64, [3], doubles.SelectMany(BitConverter.GetBytes).ToArray()),
            TensorSource.Bytes("bf16", TensorDType.BF16, [3], new byte[] { 0x80, 0x3f, 0x40, 0xc0, 0xc0, 0x7f }),
            TensorSource.Bytes("i32", TensorDType.I32, [2], new byte[] { 0xff, 0xff, 0xff, 0xff, 5, 0, 0, 0 }),
            TensorSource.Bytes("i16", TensorDType.I16, [2], new byte[] { 0xfe, 0xff, 1, 1 }),
            TensorSource.Bytes("i8", TensorDType.I8, [2], new byte[] { 0x80, 0x7f }),
            TensorSource.Bytes("u8", TensorDType.U8, [2], new byte[] { 0x80, 0x7f }),
        ]);
        using var reader = SafetensorsReader.Open(folder.Write("x", stream.ToArray()));
        Assert.Equal([1.5f, float.NegativeInfinity, 1f], reader.ReadFloats("f64"));
        Assert.Equal([1f, -3f, float.NaN], reader.ReadFloats("bf16"));
        Assert.Equal([-1, 5], reader.ReadInt64("i32"));
        Assert.Equal([-2, 257], reader.ReadInt64("i16"));
        Assert.Equal([-128, 127], reader.ReadInt64("i8"));
        Assert.Equal([128, 127], reader.ReadInt64("u8"));
        Assert.Equal([0x80, 0x7f], reader.ReadBytes("u8"));
    }

    /// <summary>A tensor of several read chunks, with a length that no chunk divides.</summary>
    [Fact]
    public void LongTensorsAreReadInFull()
    {
        using var folder = new TempFolder();
        float[] values = Enumerable.Range(0, 100_003).Select(i => (float)i).ToArray();
        byte[] doubles = values.SelectMany(value => BitConverter.GetBytes((double)value)).ToArray();
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, [TensorSource.Floats("f32", [values.Length], values), TensorSource.Bytes("f64", TensorDType.F64, [values.Length], doubles)]);
        using var reader = SafetensorsReader.Open(folder.Write("x", stream.ToArray()));
        Assert.Equal(values, reader.ReadFloats("f32"));
        Assert.Equal(values, reader.ReadFloats("f64"));
        Assert.Equal(doubles, reader.ReadBytes("f64"));
    }

    [Fact]
    public void AMismatchNamesFileTensorFoundAndExpected()
    {
        using var folder = new TempFolder();
        string path = folder.Write("weights.safetensors", SafetensorsFile.Valid());
        using var reader = SafetensorsReader.Open(path);
        AssertSays(() => reader.ReadFloats("a.weight", new float[5]), path, "'a.weight'", "[2, 3]", "6 elements", "expected 5");
        AssertSays(() => reader.ReadFloats("timestep"), path, "'timestep'", "'I64'", "expected F32");
        AssertSays(() => reader.ReadInt64("a.weight"), path, "'a.weight'", "'F32'", "expected I64");
        AssertSays(() => reader.ReadFloats("absent"), path, "'absent'");
        AssertSays(() => SafetensorsReader.Open(folder.At("missing")), folder.At("missing"));
        AssertSays(() => SafetensorsReader.Open(folder.Path), folder.Path);
    }

    [Fact]
    public void AFileShortenedWhileOpenIsReported()
    {
        using var folder = new TempFolder();
        string path = folder.Write("x", SafetensorsFile.Valid());
        using var reader = SafetensorsReader.Open(path);
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(file.Length - 1);
        }

        AssertSays(() => reader.ReadInt64("flags"), "ends within tensor 'flags'");
    }

    [Fact]
    public void NamesMustBeUniqueAndNotReserved()
    {
        var tensor = TensorSource.Floats("a", [1], new float[1]);
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(Stream.Null, [tensor, tensor]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(Stream.Null, [TensorSource.Floats("__metadata__", [1], new float[1])]));
        Assert.Throws<ArgumentException>(() => TensorSource.Floats("a", [2], new float[3]));
    }

    [Fact]
    public void AwkwardNamesSurvive()
    {
        using var folder = new TempFolder();
        using var stream = new MemoryStream();
        string[] names = ["", "\"quoted\\\"", "β̄ schedule", "tab\tline\n", "🙂"];
        SafetensorsWriter.Write(stream, names.Select(name => TensorSource.Floats(name, [1], new float[] { name.Length })));
        Assert.Equal(0, stream.Length % 4);
        using var reader = SafetensorsReader.Open(folder.Write("x", stream.ToArray()));
        Assert.Equal(names.Order(), reader.Names.Order());
        Assert.All(names, name => Assert.Equal([name.Length], reader.ReadFloats(name)));
    }

    /// <summary>One tensor is held at a time, however many there are.</summary>
    [Fact]
    public void WritingHoldsOneTensorAtATime()
    {
        const int count = 64, elements = 16_384;
        var tensors = Enumerable.Range(0, count).Select(i => TensorSource.Floats($"t{i}", [elements], values => values.Fill(i))).ToArray();
        long before = GC.GetAllocatedBytesForCurrentThread();
        SafetensorsWriter.Write(Stream.Null, tensors);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 * elements * 4);
    }

    /// <summary>The same contents give the very bytes that the format's reference writer gave.</summary>
    [Fact]
    public void ReferenceFilesComeOutByteForByte()
    {
        string[] files = Directory.GetFiles(ReferenceFiles.Folder(), "*.safetensors", SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        foreach (string file in files)
        {
            using var reader = SafetensorsReader.Open(file);
            using var written = new MemoryStream();
            var tensors = reader.Names.Reverse().Select(name => TensorSource.Bytes(name, reader.Entry(name).DType, reader.Entry(name).Shape, reader.ReadBytes(name)));
            SafetensorsWriter.Write(written, tensors, reader.Metadata);
            Assert.True(written.ToArray().AsSpan().SequenceEqual(File.ReadAllBytes(file)), file);
        }
    }

    private static void AssertSays(Action action, params string[] parts)
    {
        string message = Assert.Throws<StorageException>(action).Message;
        Assert.All(parts, part => Assert.Contains(part, message));
    }
}
