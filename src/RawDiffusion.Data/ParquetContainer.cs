using Parquet.Schema;

namespace RawDiffusion.Data;

/// <summary>The rows of Parquet files as if each were an image file.</summary>
internal sealed class ParquetContainer : IContainer
{
    private readonly IReadOnlyList<ParquetShard> _shards;
    private readonly DataField[] _columns;
    private readonly string[][] _names;

    /// <param name="path">Where they are, for messages.</param>
    /// <param name="shards">The files.</param>
    /// <param name="columns">Each file's column of images.</param>
    public ParquetContainer(string path, IReadOnlyList<ParquetShard> shards, DataField[] columns)
    {
        (Path, _shards, _columns) = (path, shards, columns);
        _names = [.. shards.Select(shard => Enumerable.Range(0, shard.Rows).Select(row => $"{System.IO.Path.GetFileName(shard.Path)}: row {row:D7}").ToArray())];
        Listing = new ContainerListing([.. _names.SelectMany(names => names)], [], []);
    }

    public string Path { get; }

    public ContainerListing Listing { get; }

    public IEnumerable<ContainerFile> Read(IReadOnlyCollection<string> names, long most)
    {
        var wanted = names.ToHashSet(StringComparer.Ordinal);
        foreach (var (i, shard) in _shards.Index())
        {
            foreach (var (row, bytes) in shard.ReadBytes(_columns[i]).Index())
            {
                if (wanted.Contains(_names[i][row]))
                {
                    yield return bytes is null
                        ? new ContainerFile(_names[i][row], [], "it has no bytes; where a set only names its pictures' files, those are needed")
                        : bytes.Length > most ? new ContainerFile(_names[i][row], [], $"the file has {bytes.Length} bytes; up to {most} are read")
                        : new ContainerFile(_names[i][row], bytes);
                }
            }
        }
    }

    public ContainerFile ReadStart(string name) => Read([name], ContainerNames.MaxImageBytes).Single();

    public void Dispose()
    {
    }
}
