using System.Buffers.Binary;
using RawDiffusion.Core;

namespace RawDiffusion.Images;

/// <summary>The first directory of a TIFF file, as far as needed to know the picture's size and that all of its data is there.</summary>
internal readonly ref struct TiffDirectory
{
    private const int WidthTag = 256, HeightTag = 257, StripOffsets = 273, StripSizes = 279, TileOffsets = 324, TileSizes = 325;

    private readonly ReadOnlySpan<byte> _file;
    private readonly bool _little;
    private readonly int _start;

    /// <exception cref="ArgumentOutOfRangeException">The file ends before the directory.</exception>
    public TiffDirectory(ReadOnlySpan<byte> file)
    {
        _file = file;
        _little = file[0] == 'I';
        _start = (int)Math.Min(U32(4), int.MaxValue);
    }

    /// <summary>The picture's size, or null if the directory does not tell.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The file ends within the directory.</exception>
    public (long Height, long Width)? Size()
    {
        int width = Find(WidthTag), height = Find(HeightTag);
        return width < 0 || height < 0 ? null : (Value(height, 0), Value(width, 0));
    }

    /// <summary>Refuses a file that ends before its pixels do; libgd would fill them in with black.</summary>
    public void RequireComplete()
    {
        bool complete;
        try
        {
            complete = IsComplete();
        }
        catch (ArgumentOutOfRangeException)
        {
            complete = false;
        }
        if (!complete)
        {
            throw new DataException("the Tiff file is truncated or damaged: not all of its data lies inside the file");
        }
    }

    private bool IsComplete()
    {
        for (int i = 0; i < U16(_start); i++)
        {
            if (ValuesEnd(_start + 2 + 12 * i) > _file.Length)
            {
                return false;
            }
        }
        bool tiled = Find(TileOffsets) >= 0;
        int offsets = Find(tiled ? TileOffsets : StripOffsets), sizes = Find(tiled ? TileSizes : StripSizes);
        bool complete = offsets >= 0 && sizes >= 0 && U32(offsets + 4) == U32(sizes + 4);
        for (int i = 0; complete && i < U32(offsets + 4); i++)
        {
            complete = Value(offsets, i) + Value(sizes, i) <= _file.Length;
        }
        return complete;
    }

    // An entry is: tag (2 bytes), type (2), count (4), and the values (4) or, where those take more, their offset.
    private int Find(int tag)
    {
        for (int i = 0; i < U16(_start); i++)
        {
            if (U16(_start + 2 + 12 * i) == tag)
            {
                return _start + 2 + 12 * i;
            }
        }
        return -1;
    }

    private long Value(int entry, int index)
    {
        const int Short = 3;
        bool isShort = U16(entry + 2) == Short;
        long at = Math.Min(ValuesStart(entry) + index * (isShort ? 2L : 4L), int.MaxValue);
        return isShort ? U16((int)at) : U32((int)at);
    }

    private long ValuesStart(int entry) => ValueBytes(entry) <= 4 ? entry + 8 : U32(entry + 8);

    private long ValuesEnd(int entry) => ValuesStart(entry) + ValueBytes(entry);

    private long ValueBytes(int entry)
    {
        long each = U16(entry + 2) switch { 3 or 8 => 2, 4 or 9 or 11 or 13 => 4, 5 or 10 or 12 => 8, _ => 1 };
        return each * U32(entry + 4);
    }

    private int U16(int at) => _little ? BinaryPrimitives.ReadUInt16LittleEndian(_file[at..]) : BinaryPrimitives.ReadUInt16BigEndian(_file[at..]);

    private uint U32(int at) => _little ? BinaryPrimitives.ReadUInt32LittleEndian(_file[at..]) : BinaryPrimitives.ReadUInt32BigEndian(_file[at..]);
}
