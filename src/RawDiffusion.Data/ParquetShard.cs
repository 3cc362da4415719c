using System.Buffers.Binary;
using Parquet;
using Parquet.Schema;
using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>
/// A file of Apache Parquet: groups of rows, each column's values of a group together. Only columns of bytes and of whole numbers outside of
/// lists are looked at. For one thread at a time.
/// </summary>
internal sealed class ParquetShard : IDisposable
{
    private readonly Stream _file;
    private readonly ParquetReader _reader;
    private readonly long _memoryLimit;

    private ParquetShard(string path, Stream file, ParquetReader reader, long memoryLimit)
    {
        (Path, _file, _reader, _memoryLimit) = (path, file, reader, memoryLimit);
        Fields = [.. reader.Schema.DataFields.Where(field => field.MaxRepetitionLevel == 0)];
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Rows of all groups.</summary>
    public int Rows { get; private set; }

    /// <summary>Columns outside of lists.</summary>
    public IReadOnlyList<DataField> Fields { get; }

    /// <summary>What is noted about the file under a key; null if nothing is.</summary>
    public string? Note(string key) => _reader.CustomMetadata.GetValueOrDefault(key);

    /// <summary>Opens a file and reads what it says of itself.</summary>
    /// <param name="path">The file.</param>
    /// <param name="memoryLimit">The most bytes that a column of a group may have.</param>
    /// <exception cref="DataException">It is damaged, truncated, encrypted or of another format.</exception>
    public static ParquetShard Open(string path, long memoryLimit) => Guard(path, () =>
    {
        var file = File.OpenRead(path);
        try
        {
            CheckEnds(path, file);
            var shard = new ParquetShard(path, file, ParquetReader.CreateAsync(file, leaveStreamOpen: true).GetAwaiter().GetResult(), memoryLimit);
            shard.Rows = (int)shard.CountRows();
            return shard;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    });

    /// <summary>The values of a column of bytes, row after row; null where there is none.</summary>
    /// <exception cref="DataException">They cannot be read.</exception>
    public IEnumerable<byte[]?> ReadBytes(DataField field) =>
        Enumerable.Range(0, _reader.RowGroupCount).SelectMany(group => ReadColumn<ReadOnlyMemory<byte>, byte[]?>(field, group, value => value.ToArray(), null));

    /// <summary>The values of a column of whole numbers, row after row; null where there is none.</summary>
    /// <exception cref="DataException">They cannot be read.</exception>
    public IEnumerable<long?> ReadNumbers(DataField field) => Enumerable.Range(0, _reader.RowGroupCount).SelectMany(group => field.ClrType == typeof(int)
        ? ReadColumn<int, long?>(field, group, value => value, null)
        : ReadColumn<long, long?>(field, group, value => value, null));

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _file.Dispose();
    }

    // A column's values stand without gaps beside a level for each row, which is the field's own where the row has a value. The reader's other
    // functions lose the rows without one, or need types made at run time, which a native executable has not.
    private IEnumerable<TValue> ReadColumn<T, TValue>(DataField field, int group, Func<T, TValue> convert, TValue none) where T : struct
    {
        var (values, levels) = Guard(Path, () =>
        {
            using var rows = _reader.OpenRowGroupReader(group);
            var chunk = rows.GetMetadata(field)?.MetaData;
            long most = Math.Min(_memoryLimit, int.MaxValue);
            if (chunk is null || chunk.NumValues != rows.RowCount || chunk.TotalUncompressedSize < 0 || chunk.TotalUncompressedSize > most)
            {
                throw new DataException($"{Path}: column {field.Path} of row group {group} has {chunk?.NumValues} values and {chunk?.TotalUncompressedSize} bytes; " +
                    $"expected are {rows.RowCount} values and at most {most} bytes, which are allowed in memory. Write the set in smaller groups of rows.");
            }
            ParquetCheck.Pages(_file, chunk, most);
            var read = (Values: new T[rows.RowCount], Levels: field.MaxDefinitionLevel > 0 ? new int[rows.RowCount] : null);
            // Null on its own would become an empty memory.
            var levels = read.Levels is { } array ? new Memory<int>(array) : (Memory<int>?)null;
            rows.ReadRawAsync<T>(field, read.Values, levels, null).AsTask().GetAwaiter().GetResult();
            return read;
        });
        for (int row = 0, value = 0; row < values.Length; row++)
        {
            yield return levels is null || levels[row] == field.MaxDefinitionLevel ? convert(values[value++]) : none;
        }
    }

    private long CountRows()
    {
        long rows = 0;
        foreach (var group in _reader.Metadata!.RowGroups)
        {
            // An image takes more than a byte, so that a wild number shows before anything is made for it.
            rows = group.NumRows >= 0 && group.NumRows <= _file.Length - rows ? rows + group.NumRows
                : throw new DataException($"{Path} is damaged: a group is said to have {group.NumRows} rows, in a file of {_file.Length} bytes. Fetch it again.");
        }
        return rows <= int.MaxValue ? rows : throw new DataException($"{Path} has {rows} rows; up to {int.MaxValue} are read. Write the set in several files.");
    }

    private static void CheckEnds(string path, Stream file)
    {
        byte[] ends = new byte[12];
        if (file.Length >= ends.Length)
        {
            file.ReadExactly(ends, 0, 4);
            file.Seek(-8, SeekOrigin.End);
            file.ReadExactly(ends, 4, 8);
            file.Seek(0, SeekOrigin.Begin);
        }
        if (!ends.AsSpan(0, 4).SequenceEqual("PAR1"u8) || !ends.AsSpan(8).SequenceEqual("PAR1"u8))
        {
            throw new DataException($"{path} is truncated or no Parquet file that can be read: it does not begin and end with PAR1. Fetch it again" +
                (ends.AsSpan(8).SequenceEqual("PARE"u8) ? "; it may be encrypted." : "."));
        }
        uint footer = BinaryPrimitives.ReadUInt32LittleEndian(ends.AsSpan(4));
        if (footer > file.Length - ends.Length)
        {
            throw new DataException($"{path} is damaged: its description is said to take {footer} bytes of the file's {file.Length}. Fetch it again.");
        }
        ParquetCheck.Footer(file, footer);
        file.Seek(0, SeekOrigin.Begin);
    }

    /// <summary>Whatever the library throws at a damaged file, and it is many things, is that the file cannot be read.</summary>
    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not DataException)
        {
            throw new DataException($"{path} cannot be read as a Parquet file: {e.Message} Fetch it again.", e);
        }
    }
}
