using System.Text;
using FsCheck;
using FsCheck.Fluent;
using RawDiffusion.Core;
using RawDiffusion.Storage;

namespace RawDiffusion.UnitTests.Storage;

/// <summary>Headers that break the format: each is refused for its own reason, and none costs more memory than its size accounts for.</summary>
public class SafetensorsHeaderTests
{
    private const string A = """{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""";

    [Theory]
    [InlineData("", 0, "does not begin with '{'")]
    [InlineData(" {}", 0, "does not begin with '{'")]
    [InlineData("[]", 0, "does not begin with '{'")]
    [InlineData("{", 0, "not valid JSON")]
    [InlineData("{} x", 0, "not valid JSON")]
    [InlineData("{}{}", 0, "not valid JSON")]
    [InlineData("""{"a":5}""", 0, "'a' is a number, not an object")]
    [InlineData("""{"a":null}""", 0, "'a' is null, not an object")]
    [InlineData("""{"a":{}}""", 0, "lacks dtype")]
    [InlineData("""{"a":{"dtype":"F32","data_offsets":[0,8]}}""", 8, "lacks shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", 8, "lacks data_offsets")]
    [InlineData("""{"a":{"dtype":5,"shape":[2],"data_offsets":[0,8]}}""", 8, "dtype of tensor 'a' is a number")]
    [InlineData("""{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""", 8, "shape of tensor 'a' is a number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}""", 8, "something else than integers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "something else than integers")]
    [InlineData("""{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", 8, "something else than integers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}}""", 8, "something else than integers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}}""", 8, "something else than integers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8]}}""", 8, "not a begin and an end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4,8]}}""", 8, "not a begin and an end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "not a begin and an end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "needs 12 bytes, its offsets span 8")]
    [InlineData("""{"a":{"dtype":"F64","shape":[2],"data_offsets":[0,8]}}""", 8, "needs 16 bytes, its offsets span 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "larger than any file")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}""", 0, "larger than any file")]
    [InlineData("""{"a":{"dtype":"Q4","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "larger than any file")]
    [InlineData("""{"a":{"dtype":"U8","shape":[0],"data_offsets":[9223372036854775807,9223372036854775807]}}""", 0, "larger than any file")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"shape":[2]}}""", 8, "two values of shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"stride":[1]}}""", 8, "unknown property 'stride'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", 16, "'a' occurs twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}""", 20, "leave a hole")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "leave a hole")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, "truncated")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, "cover 8 of the 9 bytes")]
    [InlineData("{}", 1, "cover 0 of the 1 bytes")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "metadata 'a' is a number")]
    [InlineData("""{"__metadata__":"x"}""", 0, "'__metadata__' is a string, not an object")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", 0, "metadata 'a' occurs twice")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", 0, "'__metadata__' occurs twice")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "not valid JSON")]
    public void ABrokenHeaderIsRefusedForItsReason(string header, int dataBytes, string reason) =>
        AssertRefused(SafetensorsFile.Of(header, dataBytes), reason);

    [Fact]
    public void BadUtf8IsRefused()
    {
        byte[] header = Encoding.UTF8.GetBytes($$"""{"name":{{A}}}""");
        header[3] = 0xff;
        AssertRefused(SafetensorsFile.Of(header, 8), "not valid UTF-8");
    }

    [Theory]
    [InlineData(100_000_001UL, "the format allows 100000000")]
    [InlineData(1UL << 63, "the format allows 100000000")]
    [InlineData(ulong.MaxValue, "the format allows 100000000")]
    [InlineData(100_000_000UL, "only 2 follow")]
    [InlineData(3UL, "only 2 follow")]
    public void ADeclaredLengthBeyondTheFileIsRefusedWithoutAllocatingIt(ulong declared, string reason) =>
        AssertRefused(SafetensorsFile.Of("{}"u8.ToArray(), 0, declared), reason);

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void AFileShorterThanItsLengthFieldIsRefused(int bytes) => AssertRefused(new byte[bytes], $"it has {bytes} bytes");

    [Fact]
    public void DeepNestingIsRefused() =>
        AssertRefused(SafetensorsFile.Of($$"""{"a":{"dtype":"F32","shape":{{new string('[', 100_000)}}""", 0), "something else than integers");

    [Fact]
    public void AMegabyteOfExtentsCostsAFewMegabytes() =>
        AssertRefused(SafetensorsFile.Of("{\"a\":{\"dtype\":\"F32\",\"shape\":[" + string.Join(',', Enumerable.Repeat('0', 500_000)) + "],\"data_offsets\":[0,4]}}", 4), "needs 0 bytes");

    [Fact]
    public void AHostileNameIsShownShortAndWithoutControlCharacters()
    {
        string message = AssertRefused(SafetensorsFile.Of($$"""{"\u001b[2J{{new string('x', 10_000)}}":5}""", 0), "not an object");
        Assert.DoesNotContain('\u001b', message);
        Assert.True(message.Length < 500);
    }

    [Fact]
    public void TrailingSpacesAndAnyOrderOfTensorsAreAccepted()
    {
        using var folder = new TempFolder();
        using var reader = SafetensorsReader.Open(folder.Write("x", SafetensorsFile.Of("""{"b":{"data_offsets":[8,12],"shape":[1],"dtype":"F32"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   """, 12)));
        Assert.Equal(["a", "b"], reader.Names);
    }

    [Fact]
    public void AnUnknownTypeIsAnErrorOnlyWhenItIsRead()
    {
        using var folder = new TempFolder();
        using var reader = SafetensorsReader.Open(folder.Write("x", SafetensorsFile.Of("""{"q":{"dtype":"F4","shape":[7],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}}""", 5)));
        Assert.Equal([4], reader.ReadInt64("a"));
        Assert.Contains("type 'F4'", Assert.Throws<StorageException>(() => reader.ReadBytes("q")).Message);
        Assert.Contains("type 'F4'", Assert.Throws<StorageException>(() => reader.ReadFloats("q")).Message);
    }

    /// <summary>Bytes changed, inserted, removed and cut off at random: the file is read or refused, nothing else.</summary>
    [Fact]
    public void NoMutationDoesMoreThanBeRefused()
    {
        using var folder = new TempFolder();
        string path = folder.At("mutated");
        byte[] valid = SafetensorsFile.Valid();
        Prop.ForAll(ArbMap.Default.ArbFor<int[]>(), mutations =>
        {
            var bytes = valid.ToList();
            foreach (int mutation in mutations)
            {
                Mutate(bytes, new Random(mutation));
            }

            File.WriteAllBytes(path, [.. bytes]);
            OpenWithinMemory(path);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }

    private static void Mutate(List<byte> bytes, Random random)
    {
        if (bytes.Count == 0)
        {
            return;
        }
        // Half of the mutations hit the length and the header's first tensors, where most of the meaning is.
        int at = random.Next(random.Next(2) == 0 ? bytes.Count : Math.Min(bytes.Count, 120));
        switch (random.Next(6))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)"0123456789{}[],:\"\\-eE \0\xff"[random.Next(24)];
                break;
            case 2:
                bytes.RemoveAt(at);
                break;
            case 3:
                bytes.Insert(at, (byte)random.Next(256));
                break;
            case 4:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            default:
                bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, random.Next(64))));
                break;
        }
    }

    private static string AssertRefused(byte[] file, string reason)
    {
        using var folder = new TempFolder();
        string path = folder.Write("hostile.safetensors", file);
        string? message = OpenWithinMemory(path);
        Assert.NotNull(message);
        Assert.Contains(reason, message);
        Assert.Contains(path, message);
        return message;
    }

    /// <summary>Opens and reads a file, returning the message where it is refused.</summary>
    private static string? OpenWithinMemory(string path)
    {
        string? message = null;
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using var reader = SafetensorsReader.Open(path);
            SafetensorsFile.ReadAll(reader);
        }
        catch (StorageException e)
        {
            message = e.Message;
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(allocated, 0, 200_000 + (16 * new FileInfo(path).Length));
        return message;
    }
}
