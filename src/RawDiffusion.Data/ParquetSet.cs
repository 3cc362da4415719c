using System.Text.RegularExpressions;
using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>
/// A set of images in Parquet files as Hugging Face's hub keeps it: a column of images (a struct of bytes and a path), a column of classes as
/// whole numbers, and the classes' names in the note "huggingface"; in one file or in several, <c>data/train-00000-of-00002.parquet</c>.
/// </summary>
internal static partial class ParquetSet
{
    /// <summary>A part's files among a container's; for training all, where none is called a part.</summary>
    /// <exception cref="DataException">There are such files, but none of that part.</exception>
    public static string[] FindShards(IContainer container, DatasetSplit split) => SplitNames.Choose(
        split, container.Path, [.. container.Names.Where(name => Path.GetExtension(name).Equals(".parquet", StringComparison.OrdinalIgnoreCase))]);

    /// <summary>Reads the images and, where there is a column of them, their classes.</summary>
    /// <param name="folder">Where the files are.</param>
    /// <param name="files">The files' names in it.</param>
    /// <param name="options">How they are read.</param>
    /// <exception cref="DataException">A file is damaged, or has no images.</exception>
    public static IDataset Open(string folder, string[] files, DatasetOptions options)
    {
        if (files.Select(file => ShardOf().Match(file)).FirstOrDefault(match => match.Success && match.Groups[1].Value.TrimStart('0') != $"{files.Length}") is { } part)
        {
            options.Warn?.Invoke($"{folder}: {files.Length} of the {part.Groups[1].Value.TrimStart('0')} files that {part.Value} speaks of are there.");
        }
        var shards = new List<ParquetShard>();
        try
        {
            foreach (string file in files)
            {
                shards.Add(ParquetShard.Open(Path.Combine(folder, file), options.MemoryLimit));
            }
            var columns = shards.ConvertAll(ParquetColumns.Of);
            if (columns.Any(other => other.ClassNames is null != columns[0].ClassNames is null || (other.ClassNames ?? []).SequenceEqual(columns[0].ClassNames ?? []) is false))
            {
                throw new DataException($"{folder}: the classes of {files[0]} are not those of the other files. Give the files of one set.");
            }
            string path = files.Length == 1 ? shards[0].Path : folder;
            using IContainer container = new ParquetContainer(path, shards, [.. columns.Select(column => column.Images)]);
            if (container.Names.Count == 0)
            {
                throw new DataException($"{path} holds no rows, and so no images.");
            }
            var (labels, names) = ReadLabels(path, shards, columns, options);
            return ImageSet.Open(container, new ClassLayout(container.Names, labels, names), options);
        }
        finally
        {
            shards.ForEach(shard => shard.Dispose());
        }
    }

    private static (int[]? Labels, IReadOnlyList<string> Names) ReadLabels(string path, List<ParquetShard> shards, List<ParquetColumns> columns, DatasetOptions options)
    {
        if (columns.Any(column => column.Labels is null))
        {
            options.Warn?.Invoke($"{path} has no column of classes that is known by its note \"huggingface\" or the name label; the set has no labels.");
            return (null, []);
        }
        var labels = new List<int>();
        int most = columns[0].ClassNames?.Count ?? ushort.MaxValue + 1;
        foreach (var (i, shard) in shards.Index())
        {
            foreach (var (row, label) in shard.ReadNumbers(columns[i].Labels!).Index())
            {
                labels.Add(label is >= 0 && label < most
                    ? (int)label
                    : throw new DataException($"{shard.Path}: {columns[i].Labels!.Path} of row {row} is {(label is null ? "missing" : label)}; expected is a class from 0 to " +
                        $"{most - 1}. Give a set with labels, or leave that column out."));
            }
        }
        return ([.. labels], columns[0].ClassNames ?? [.. Enumerable.Range(0, labels.Max() + 1).Select(label => $"{label}")]);
    }

    [GeneratedRegex(@"-\d+-of-(\d+)\.parquet$", RegexOptions.IgnoreCase)]
    private static partial Regex ShardOf();
}
