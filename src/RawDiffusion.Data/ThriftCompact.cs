namespace RawDiffusion.Data;

/// <summary>
/// A walk over a structure in Thrift's compact protocol, which Parquet describes itself in. A reader that goes into what is nested by calling
/// itself, or believes a length, can be brought down by a few bytes; this walk finds them first.
/// </summary>
/// <param name="bytes">From the structure on.</param>
internal ref struct ThriftCompact(ReadOnlySpan<byte> bytes)
{
    /// <summary>The type of a 32-bit number; 16 and 64 bits are 4 and 6.</summary>
    public const int Int32 = 5;

    /// <summary>The type of a list.</summary>
    public const int List = 9;

    /// <summary>The type of a structure.</summary>
    public const int Struct = 12;

    private const int MostNested = 16;
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private short _field;

    /// <summary>How far the walk has come.</summary>
    public int Position { get; private set; }

    /// <summary>Begins a structure: its fields' numbers count from 0.</summary>
    public void Begin() => Resume(0);

    /// <summary>Goes on with a structure after one of its fields.</summary>
    public void Resume(int field) => _field = (short)field;

    /// <summary>The next field of the structure; false at its end.</summary>
    /// <exception cref="InvalidDataException">There is none, and no end.</exception>
    public bool Next(out int field, out int type)
    {
        byte head = Byte();
        type = head & 15;
        if (head != 0)
        {
            _field = head >> 4 != 0 ? (short)(_field + (head >> 4)) : (short)Number();
        }
        field = _field;
        return head != 0;
    }

    /// <summary>A list's head.</summary>
    /// <exception cref="InvalidDataException">It has more elements than there are bytes.</exception>
    public (int Count, int Type) ListHead()
    {
        byte head = Byte();
        long count = head >> 4 == 15 ? Unsigned() : head >> 4;
        return (Within(count), head & 15);
    }

    /// <summary>A whole number.</summary>
    public long Number()
    {
        long value = Unsigned();
        return (long)((ulong)value >> 1) ^ -(value & 1);
    }

    /// <summary>Passes over a value.</summary>
    /// <exception cref="InvalidDataException">It goes on beyond the bytes, is nested too deeply, or is of no known type.</exception>
    public void Skip(int type, int nested = 0, bool isElement = false)
    {
        if (nested > MostNested)
        {
            throw new InvalidDataException("its description is nested without end.");
        }
        switch (type)
        {
            case 1 or 2 when !isElement:
                // The value of such a field is its type.
                break;
            case 1 or 2 or 3: Byte(); break;
            case 4 or Int32 or 6: Unsigned(); break;
            case 7: Position += Within(8); break;
            case 8:
                int length = Within(Unsigned());
                Position += length;
                break;
            case List or 10:
                var (count, element) = ListHead();
                for (int i = 0; i < count; i++)
                {
                    Skip(element, nested + 1, isElement: true);
                }
                break;
            case Struct:
                short outer = _field;
                Begin();
                while (Next(out _, out int inner))
                {
                    Skip(inner, nested + 1);
                }
                _field = outer;
                break;
            default:
                throw new InvalidDataException($"its description has a value of type {type}, which the format does not use.");
        }
    }

    private long Unsigned()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = Byte();
            value |= (ulong)(next & 127) << shift;
            if (next < 128)
            {
                return (long)value;
            }
        }
        throw new InvalidDataException("its description has a number of more than 64 bits.");
    }

    private byte Byte()
    {
        Within(1);
        return _bytes[Position++];
    }

    private readonly int Within(long count) => count >= 0 && count <= _bytes.Length - Position
        ? (int)count
        : throw new InvalidDataException("its description ends too early.");
}
