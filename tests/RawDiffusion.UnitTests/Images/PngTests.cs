using System.Buffers.Binary;
using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.UnitTests.Images;

public class PngTests
{
    public static TheoryData<int, int, bool> Kinds()
    {
        var kinds = new TheoryData<int, int, bool>();
        foreach (var (colour, depths) in new (int, int[])[] { (0, [1, 2, 4, 8, 16]), (2, [8, 16]), (3, [1, 2, 4, 8]), (4, [8, 16]), (6, [8, 16]) })
        {
            foreach (int depth in depths)
            {
                kinds.Add(colour, depth, false);
                kinds.Add(colour, depth, true);
            }
        }
        return kinds;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ReadsEveryKind(int colour, int depth, bool interlaced)
    {
        int max = (1 << depth) - 1;
        int Sample(int x, int y, int c) => (x * 7919 + y * 104729 + c * 31337 + x * y * 57) & max;
        byte[]? palette = colour == 3 ? [.. Enumerable.Range(0, 3 << depth).Select(i => (byte)(i * 37))] : null;
        foreach (var (width, height) in new[] { (1, 1), (3, 2), (13, 11), (16, 8), (5, 1), (1, 9) }.Where(size => !interlaced || size.Item1 >= 5))
        {
            var image = ImageDecoder.Default.Decode(PngFixture.Make(width, height, colour, depth, interlaced, Sample, palette));

            Assert.Equal((height, width, colour is 0 or 4 ? 1 : 3), (image.Height, image.Width, image.Channels));
            int samples = colour switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
            for (int i = 0; i < image.Pixels.Length; i++)
            {
                int x = i / image.Channels % width, y = i / image.Channels / width, c = i % image.Channels;
                double alpha = samples is 2 or 4 ? Sample(x, y, samples - 1) / (double)max : 1;
                double expected = palette is null ? Math.Round(Sample(x, y, c) * 255.0 / max * alpha, MidpointRounding.AwayFromZero) : palette[3 * Sample(x, y, 0) + c];
                Assert.Equal(expected, image.Pixels[i]);
            }
        }
    }

    [Fact]
    public void ComposesTransparencyOverBlack()
    {
        byte[] entries = [200, 100, 50, 10, 20, 30];
        Assert.Equal([100, 50, 25, 10, 20, 30], ImageDecoder.Default.Decode(PngFixture.Make(2, 1, 3, 1, false, (x, _, _) => x, entries, [128])).Pixels);
        Assert.Equal([85, 0], ImageDecoder.Default.Decode(PngFixture.Make(2, 1, 0, 2, false, (x, _, _) => 1 + x, null, [0, 2])).Pixels);
        Assert.Equal([9, 9, 9, 0, 0, 0], ImageDecoder.Default.Decode(PngFixture.Make(2, 1, 2, 8, false, (x, _, c) => 9 + x * c, null, [0, 9, 0, 10, 0, 11])).Pixels);
    }

    [Theory]
    [InlineData("narrow", "interlaced and of 4 columns; fewer than 5 are not read")]
    [InlineData("deep key", "16 bits with one transparent colour")]
    [InlineData("phone", "one of Apple's PNGs for phones (CgBI)")]
    [InlineData("cut", "truncated: chunk IDAT claims")]
    [InlineData("no end", "before its IEND chunk; all of its pixels are there")]
    [InlineData("no rows", "before its IEND chunk")]
    [InlineData("flipped bit", "chunk IDAT has checksum")]
    [InlineData("zero width", "0×4; each side must be in 1..65535", 4, 0)]
    [InlineData("huge", "each side must be in 1..65535", 70000, 3)]
    [InlineData("negative", "each side must be in 1..65535", -1, 3)]
    [InlineData("bomb", "decompression bomb: 8192×16384 pixels", 8192, 16384)]
    [InlineData("large", "16384×16384; at most 134,217,728 pixels", 16384, 16384)]
    [InlineData("short rows", "compressed data ends before the last row")]
    [InlineData("no zlib", "compressed data is damaged")]
    [InlineData("wrong adler", "compressed data is damaged")]
    [InlineData("bad filter", "Unknown filter type")]
    [InlineData("bad depth", "colour type 2, 4 bits")]
    [InlineData("no palette", "")]
    [InlineData("critical chunk", "chunk QQQQ of 1 bytes is unknown")]
    [InlineData("no header", "chunk IDAT stands at byte 8, out of place")]
    [InlineData("two headers", "chunk IHDR stands at byte 33, out of place")]
    [InlineData("not a chunk", "no chunk starts at byte 33")]
    public void NamesWhatIsWrong(string fault, string message, int height = 4, int width = 4)
    {
        byte[] good = PngFixture.Make(4, 4, 2, 8, false, (x, y, c) => x + y + c);
        byte[] header = PngFixture.Chunk("IHDR", PngFixture.Header(width == 0 ? 4 : width, width == 0 ? 0 : height, 8, 0, 0));
        byte[] end = PngFixture.Chunk("IEND", []);
        byte[] Data(params byte[] rows) => PngFixture.Chunk("IDAT", PngFixture.Compress(rows));
        byte[] file = fault switch
        {
            "narrow" => PngFixture.Make(4, 4, 2, 8, true, (x, y, c) => x + y + c),
            "deep key" => PngFixture.Make(4, 4, 2, 16, false, (x, y, c) => x + y + c, null, new byte[6]),
            "phone" => PngFixture.File(PngFixture.Chunk("CgBI", [0x50, 0, 0x20, 2]), header, end),
            "cut" => good[..^20],
            "no end" => good[..^12],
            "no rows" => PngFixture.File(header),
            "flipped bit" => [.. good[..^20], (byte)(good[^20] ^ 4), .. good[^19..]],
            "short rows" => PngFixture.File(header, Data(new byte[19]), end),
            "no zlib" => PngFixture.File(header, PngFixture.Chunk("IDAT", [1, 2, 3, 4]), end),
            "wrong adler" => PngFixture.File(header, PngFixture.Chunk("IDAT", WrongAdler()), end),
            "bad filter" => PngFixture.File(header, Data([.. Enumerable.Repeat((byte)9, 20)]), end),
            "bad depth" => PngFixture.File(PngFixture.Chunk("IHDR", PngFixture.Header(4, 4, 4, 2, 0)), end),
            "no palette" => PngFixture.File(PngFixture.Chunk("IHDR", PngFixture.Header(4, 4, 8, 3, 0)), Data(new byte[20]), end),
            "critical chunk" => PngFixture.File(header, PngFixture.Chunk("QQQQ", [1]), end),
            "no header" => PngFixture.File(Data(new byte[20]), end),
            "two headers" => PngFixture.File(header, header, end),
            "not a chunk" => [.. PngFixture.File(header), .. new byte[40]],
            _ => PngFixture.File(header, Data(new byte[20]), end),
        };
        Assert.Contains(message, Assert.Throws<DataException>(() => ImageDecoder.Default.Decode(file)).Message);
    }

    [Fact]
    public void SurvivesAnyTruncationAndAnyFlippedByte()
    {
        byte[] good = PngFixture.Make(9, 7, 6, 16, true, (x, y, c) => x * 999 + y * 77 + c);
        for (int i = 0; i < good.Length; i++)
        {
            Assert.Throws<DataException>(() => ImageDecoder.Default.Decode(good.AsSpan(0, i)));
            byte[] damaged = [.. good];
            damaged[i] ^= 0x55;
            Assert.Throws<DataException>(() => ImageDecoder.Default.Decode(damaged));
        }
    }

    [Fact]
    public void RefusesABombWithoutAllocatingForIt()
    {
        byte[] bomb = PngFixture.File(PngFixture.Chunk("IHDR", PngFixture.Header(8192, 16384, 16, 6, 0)), PngFixture.Chunk("IDAT", new byte[1000]), PngFixture.Chunk("IEND", []));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<DataException>(() => ImageDecoder.Default.Decode(bomb));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    /// <summary>Files whose checksums are right: rows that are random or too few, palettes and transparency of any length, compressed data with a flipped bit.</summary>
    [Fact]
    public void WellFormedNonsenseBringsNoOtherFailure()
    {
        var random = new Random(1);
        byte[] Bytes(int count)
        {
            byte[] bytes = new byte[count];
            random.NextBytes(bytes);
            return bytes;
        }
        int read = 0;
        for (int i = 0; i < 1000; i++)
        {
            var (colour, depth) = new[] { (0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16), (6, 8), (6, 16) }[random.Next(15)];
            var (width, height) = (random.Next(1, 24), random.Next(1, 24));
            int rowBytes = 1 + (width * depth * (colour switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 }) + 7) / 8;
            byte[] rows = Bytes(height * rowBytes + random.Next(-3, 60));
            for (int at = 0; at < rows.Length; at += rowBytes)
            {
                rows[at] = (byte)random.Next(random.Next(99) == 0 ? 256 : 5);
            }
            byte[] data = PngFixture.Compress(rows);
            data[random.Next(data.Length)] ^= (byte)(random.Next(6) == 0 ? 1 << random.Next(8) : 0);
            int cut = random.Next(data.Length + 1);
            byte[] file = PngFixture.File(
            [
                PngFixture.Chunk("IHDR", PngFixture.Header(width, height, depth, colour, random.Next(2))),
                .. random.Next(2) == 0 || colour == 3 ? [PngFixture.Chunk("PLTE", Bytes(random.Next(5) == 0 ? 799 : 3 << depth % 16))] : Array.Empty<byte[]>(),
                .. random.Next(3) == 0 ? [PngFixture.Chunk("tRNS", Bytes(random.Next(300)))] : Array.Empty<byte[]>(),
                .. random.Next(4) == 0 ? [PngFixture.Chunk("eXIf", [.. "II*\0\b\0\0\0"u8, .. Bytes(random.Next(80))])] : Array.Empty<byte[]>(),
                PngFixture.Chunk("IDAT", data[..cut]), PngFixture.Chunk("IDAT", data[cut..]), PngFixture.Chunk("IEND", []),
            ]);
            var failure = Record.Exception(() => ImageDecoder.Default.Decode(file));
            Assert.True(failure is null or DataException, $"file {i}: {failure}");
            read += failure is null ? 1 : 0;
        }
        Assert.InRange(read, 100, 900);
    }

    private static byte[] WrongAdler()
    {
        byte[] data = PngFixture.Compress(new byte[20]);
        BinaryPrimitives.WriteInt32BigEndian(data.AsSpan(data.Length - 4), 12345);
        return data;
    }
}
