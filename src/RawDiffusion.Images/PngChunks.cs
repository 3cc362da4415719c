using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>The chunks of a PNG file, checked: each is whole and its checksum right, and the compressed data holds every row.</summary>
internal sealed class PngChunks
{
    // Deflate cannot unfold one byte to more than this many (a match of 258 bytes costs two bits).
    private const long DeflateLimit = 1032;

    private readonly MemoryStream _data = new();

    /// <summary>The eight bytes that every PNG file starts with.</summary>
    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Rows.</summary>
    public uint Height { get; private set; }

    /// <summary>Columns.</summary>
    public uint Width { get; private set; }

    /// <summary>Bits of a sample.</summary>
    public int Depth { get; private set; }

    /// <summary>True for one sample of grey, with alpha or not.</summary>
    public bool IsGrey => Colour is 0 or 4;

    /// <summary>True if pixels may be transparent.</summary>
    public bool HasAlpha => Colour is 4 or 6 || _hasTransparency;

    /// <summary>The EXIF block, empty if there is none.</summary>
    public byte[] Exif { get; private set; } = [];

    /// <summary>The file again, with nothing but what its pixels need: no texts or profiles that unfold to who knows what.</summary>
    public MemoryStream Pure { get; } = new();

    private int Colour { get; set; }

    private bool _interlaced, _hasTransparency;

    /// <summary>Reads and checks all of a file.</summary>
    /// <exception cref="DataException">It is truncated or damaged, or its size is out of bounds.</exception>
    public PngChunks(ReadOnlySpan<byte> file)
    {
        Pure.Write(Signature);
        int at = Signature.Length;
        for (string type = ""; type != "IEND";)
        {
            int start = at;
            var chunk = Next(file, ref at, out string next);
            if (type.Length == 0 != (next == "IHDR"))
            {
                throw new DataException(next == "CgBI" ? "the file is one of Apple's PNGs for phones (CgBI); convert it to a usual one, as by xcrun pngcrush " +
                    "-revert-iphone-optimizations"
                    : $"the PNG file is damaged: chunk {next} stands at byte {start}, out of place");
            }
            type = next;
            switch (type)
            {
                case "IHDR":
                    ReadHeader(chunk);
                    break;
                case "IDAT":
                    _data.Write(chunk);
                    continue;
                case "eXIf":
                    Exif = chunk.ToArray();
                    continue;
                case "tRNS":
                    _hasTransparency = true;
                    break;
                case "PLTE":
                    break;
                case "IEND":
                    WriteData();
                    break;
                default:
                    if (char.IsUpper(type[0]))
                    {
                        throw new DataException($"PNG chunk {type} of {chunk.Length} bytes is unknown");
                    }
                    continue;
            }
            Pure.Write(file[start..at]);
        }
        Pure.Position = 0;
        CheckData();
        if (Colour == 2 && Depth == 16 && _hasTransparency)
        {
            throw new DataException("the PNG file is of 16 bits with one transparent colour (tRNS), which ImageSharp misreads; save it with an alpha channel, or of 8 bits");
        }
    }

    private ReadOnlySpan<byte> Next(ReadOnlySpan<byte> file, scoped ref int at, out string type)
    {
        if (file.Length - at < 12)
        {
            throw new DataException($"the PNG file is truncated: it ends after {file.Length} bytes, before its IEND chunk" +
                (HasAllRows() ? "; all of its pixels are there, so it is whole again once any program has saved it anew" : ""));
        }
        uint length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
        type = Encoding.ASCII.GetString(file.Slice(at + 4, 4));
        if (!type.All(char.IsAsciiLetter))
        {
            throw new DataException($"the PNG file is damaged: no chunk starts at byte {at}");
        }
        if (length > file.Length - at - 12)
        {
            throw new DataException($"the PNG file is truncated: chunk {type} claims {length} bytes, but {file.Length - at - 12} are left");
        }
        var chunk = file.Slice(at + 8, (int)length);
        uint stored = BinaryPrimitives.ReadUInt32BigEndian(file[(at + 8 + (int)length)..]), computed = Crc32.Of(file.Slice(at + 4, 4 + (int)length));
        if (stored != computed)
        {
            throw new DataException($"the PNG file is damaged: chunk {type} has checksum {computed:x8} instead of {stored:x8}");
        }
        at += 12 + (int)length;
        return chunk;
    }

    private void ReadHeader(ReadOnlySpan<byte> chunk)
    {
        if (chunk.Length != 13)
        {
            throw new DataException($"the PNG header has {chunk.Length} bytes instead of 13");
        }
        (Width, Height) = (BinaryPrimitives.ReadUInt32BigEndian(chunk), BinaryPrimitives.ReadUInt32BigEndian(chunk[4..]));
        (Depth, Colour, _interlaced) = (chunk[8], chunk[9], chunk[12] == 1);
        bool known = Colour switch { 0 => Depth is 1 or 2 or 4 or 8 or 16, 3 => Depth is 1 or 2 or 4 or 8, 2 or 4 or 6 => Depth is 8 or 16, _ => false };
        if (!known || chunk[10] != 0 || chunk[11] != 0 || chunk[12] > 1)
        {
            throw new DataException($"the PNG header names an unknown kind: colour type {Colour}, {Depth} bits, compression {chunk[10]}, filter {chunk[11]}, " +
                $"interlace {chunk[12]}");
        }
        ImageHeader.CheckSize(Height, Width, 0, pixelsPerByte: 0);
        // Adam7's second pass begins in the fifth column; ImageSharp waits for ever for a pass that has none.
        if (_interlaced && Width < 5)
        {
            throw new DataException($"the PNG file is interlaced and of {Width} columns; fewer than 5 are not read, so save it without interlacing");
        }
    }

    // As one chunk: ImageSharp fails where a chunk ends within the first two bytes of the compressed data, or within its checksum.
    private void WriteData()
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(number, (uint)_data.Length);
        Pure.Write(number);
        Pure.Write("IDAT"u8);
        _data.WriteTo(Pure);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.Of("IDAT"u8, _data.GetBuffer().AsSpan(0, (int)_data.Length)));
        Pure.Write(number);
    }

    private bool HasAllRows()
    {
        try
        {
            CheckData();
            return Height > 0;
        }
        catch (DataException)
        {
            return false;
        }
    }

    // ImageSharp leaves rows that are not there black. Reading on past the last row makes zlib compare its own checksum.
    private void CheckData()
    {
        long expected = DataBytes();
        if (expected > _data.Length * DeflateLimit)
        {
            throw new DataException($"the PNG file is truncated or a decompression bomb: {Height}×{Width} pixels need {expected} bytes, which {_data.Length} " +
                $"compressed bytes cannot hold");
        }
        byte[] buffer = new byte[Math.Min(expected, 1 << 16)];
        _data.Position = 0;
        using var rows = new ZLibStream(_data, CompressionMode.Decompress);
        try
        {
            while (expected > 0)
            {
                int got = rows.Read(buffer.AsSpan(0, (int)Math.Min(expected, buffer.Length)));
                expected -= got > 0 ? got : throw new DataException("the PNG file's compressed data ends before the last row");
            }
            rows.ReadByte();
        }
        // A stream that asks for a preset dictionary is an IOException of its own kind.
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw new DataException($"the PNG file's compressed data is damaged ({e.Message})", e);
        }
    }

    // Bytes that the compressed data must unfold to: each row of each Adam7 pass (first column and row, steps), or of the one pass of a picture that is not interlaced.
    private long DataBytes()
    {
        (int X, int Y, int StepX, int StepY)[] passes = _interlaced
            ? [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
            : [(0, 0, 1, 1)];
        long bits = Depth * (Colour switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 });
        return passes.Sum(pass =>
        {
            long columns = (Width - pass.X + pass.StepX - 1) / pass.StepX, rows = (Height - pass.Y + pass.StepY - 1) / pass.StepY;
            return columns > 0 && rows > 0 ? rows * (1 + (columns * bits + 7) / 8) : 0;
        });
    }
}
