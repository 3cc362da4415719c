using System.Buffers.Binary;
using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>How the colours of a PNG file are stored.</summary>
internal enum PngColour : byte
{
    Grey = 0,
    Rgb = 2,
    Palette = 3,
    GreyAlpha = 4,
    RgbAlpha = 6,
}

/// <summary>The IHDR chunk of a PNG file.</summary>
internal readonly record struct PngHeader(int Width, int Height, int BitDepth, PngColour Colour, bool Interlaced)
{
    /// <summary>The eight bytes that every PNG file starts with.</summary>
    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Stored samples per pixel.</summary>
    public int Samples => Colour switch { PngColour.Rgb => 3, PngColour.RgbAlpha => 4, PngColour.GreyAlpha => 2, _ => 1 };

    /// <summary>Stored bits per pixel.</summary>
    public int BitsPerPixel => Samples * BitDepth;

    /// <summary>Bytes of a row of so many pixels, without its filter byte.</summary>
    public int RowBytes(int pixels) => (int)(((long)pixels * BitsPerPixel + 7) / 8);

    /// <summary>The Adam7 passes, or the one pass of a picture that is not interlaced; empty passes are left out.</summary>
    public IEnumerable<PngPass> Passes()
    {
        PngPass[] all = Interlaced
            ? [new(0, 0, 8, 8), new(4, 0, 8, 8), new(0, 4, 4, 8), new(2, 0, 4, 4), new(0, 2, 2, 4), new(1, 0, 2, 2), new(0, 1, 1, 2)]
            : [new(0, 0, 1, 1)];
        foreach (var pass in all)
        {
            if (pass.Columns(Width) > 0 && pass.Rows(Height) > 0)
            {
                yield return pass;
            }
        }
    }

    /// <summary>Bytes that the compressed data must unfold to.</summary>
    public long DataBytes()
    {
        long total = 0;
        foreach (var pass in Passes())
        {
            total += (long)pass.Rows(Height) * (1 + RowBytes(pass.Columns(Width)));
        }
        return total;
    }

    /// <summary>Reads and checks the 13 bytes of the chunk.</summary>
    public static PngHeader Parse(ReadOnlySpan<byte> chunk)
    {
        if (chunk.Length != 13)
        {
            throw new DataException($"the PNG header has {chunk.Length} bytes instead of 13");
        }
        uint width = BinaryPrimitives.ReadUInt32BigEndian(chunk), height = BinaryPrimitives.ReadUInt32BigEndian(chunk[4..]);
        var (depth, colour, compression, filter, interlace) = (chunk[8], (PngColour)chunk[9], chunk[10], chunk[11], chunk[12]);
        bool known = colour switch
        {
            PngColour.Grey => depth is 1 or 2 or 4 or 8 or 16,
            PngColour.Palette => depth is 1 or 2 or 4 or 8,
            PngColour.Rgb or PngColour.GreyAlpha or PngColour.RgbAlpha => depth is 8 or 16,
            _ => false,
        };
        if (!known || compression != 0 || filter != 0 || interlace > 1)
        {
            throw new DataException($"the PNG header names an unknown kind: colour type {(int)colour}, {depth} bits, compression "
                + $"{compression}, filter {filter}, interlace {interlace}");
        }
        Image.CheckSize(height, width);
        return new PngHeader((int)width, (int)height, depth, colour, interlace == 1);
    }
}

/// <summary>One pass over a PNG picture: its first pixel and its steps.</summary>
internal readonly record struct PngPass(int X, int Y, int StepX, int StepY)
{
    /// <summary>Pixels in each of the pass's rows.</summary>
    public int Columns(int width) => (width - X + StepX - 1) / StepX;

    /// <summary>Rows of the pass.</summary>
    public int Rows(int height) => (height - Y + StepY - 1) / StepY;
}
