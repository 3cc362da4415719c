using Parquet.Meta;

namespace RawDiffusion.Data;

/// <summary>Looks through what a Parquet file says of itself before the library believes it: the library loops, or nests without end, over some damages.</summary>
internal static class ParquetCheck
{
    private const int MostFooterBytes = 1 << 26, MostHeaderBytes = 1 << 16, MostNested = 32;

    /// <summary>Checks the description at the file's end: that it is whole, and its columns' groups not nested too deeply.</summary>
    /// <param name="file">The file.</param>
    /// <param name="length">Bytes of the description, before the last eight.</param>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static void Footer(Stream file, long length)
    {
        byte[] footer = Read(file, file.Length - 8 - length, length <= MostFooterBytes ? (int)length : throw new InvalidDataException($"its description takes {length} bytes."));
        var walk = new ThriftCompact(footer);
        walk.Begin();
        while (walk.Next(out int field, out int type))
        {
            if ((field, type) == (2, ThriftCompact.List))
            {
                Schema(ref walk);
                // The elements' fields were counted from 0.
                walk.Resume(2);
            }
            else
            {
                walk.Skip(type);
            }
        }
    }

    /// <summary>Checks the heads of a column's pages: that they are whole, that the pages lie in the file, and how many bytes they unpack to.</summary>
    /// <param name="file">The file.</param>
    /// <param name="column">The column in a group of rows.</param>
    /// <param name="most">The most bytes that all pages may unpack to.</param>
    /// <exception cref="InvalidDataException">A page is damaged or too large.</exception>
    public static void Pages(Stream file, ColumnMetaData column, long most)
    {
        long at = column.DictionaryPageOffset is > 0 and var dictionary ? Math.Min(dictionary, column.DataPageOffset) : column.DataPageOffset;
        long unpacked = 0, end = at + column.TotalCompressedSize;
        if (at < 4 || column.TotalCompressedSize < 0 || end > file.Length)
        {
            throw new InvalidDataException($"a column is said to lie at {at} to {end} of {file.Length} bytes.");
        }
        while (at < end)
        {
            var walk = new ThriftCompact(Read(file, at, (int)Math.Min(MostHeaderBytes, end - at)));
            long packed = -1, size = -1;
            walk.Begin();
            while (walk.Next(out int field, out int type))
            {
                if (field is 2 or 3 && type == ThriftCompact.Int32)
                {
                    long number = walk.Number();
                    (size, packed) = field == 2 ? (number, packed) : (size, number);
                }
                else
                {
                    walk.Skip(type);
                }
            }
            unpacked += size;
            at += walk.Position + packed;
            if (size < 0 || packed < 0 || unpacked > most || at > end)
            {
                throw new InvalidDataException($"a page is said to have {packed} bytes, which unpack to {size}.");
            }
        }
    }

    // Each element of the list says how many of the following ones are in it.
    private static void Schema(ref ThriftCompact walk)
    {
        var (count, element) = walk.ListHead();
        var open = new Stack<long>();
        for (int i = 0; i < count; i++)
        {
            long children = element == ThriftCompact.Struct ? Children(ref walk) : throw new InvalidDataException("its columns are not described.");
            while (open.TryPeek(out long left) && left == 0)
            {
                open.Pop();
            }
            if (open.TryPop(out long siblings))
            {
                open.Push(siblings - 1);
            }
            if (children > 0)
            {
                open.Push(children);
            }
            if (children < 0 || children > count || open.Count > MostNested)
            {
                throw new InvalidDataException("its columns are nested without end.");
            }
        }
    }

    private static long Children(ref ThriftCompact walk)
    {
        long children = 0;
        walk.Begin();
        while (walk.Next(out int field, out int type))
        {
            if ((field, type) == (5, ThriftCompact.Int32))
            {
                children = walk.Number();
            }
            else
            {
                walk.Skip(type);
            }
        }
        return children;
    }

    private static byte[] Read(Stream file, long at, int length)
    {
        byte[] bytes = new byte[length];
        file.Seek(at, SeekOrigin.Begin);
        file.ReadExactly(bytes);
        return bytes;
    }
}
