using System.Text;
using System.Text.RegularExpressions;
using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>CIFAR-10's binary version: records of a label and 32×32 bytes each of red, green and blue.</summary>
internal static partial class CifarDataset
{
    private const int Side = 32, Plane = Side * Side, Record = 1 + 3 * Plane, Classes = 10;

    /// <summary>A part's batches among a container's files, in order.</summary>
    /// <exception cref="DataException">There are batches, but none of that part.</exception>
    public static string[] FindBatches(IContainer container, DatasetSplit split)
    {
        string[] training = [.. container.Names.Where(name => BatchName().IsMatch(name))];
        return split == DatasetSplit.Train || training.Length == 0 ? training
            : SplitNames.Choose(split, container.Path, [.. training, .. container.Names.Where(name => Path.GetFileName(name) == "test_batch.bin")]);
    }

    /// <summary>Reads the batches.</summary>
    /// <exception cref="DataException">A batch is no whole number of records, or a label is out of range.</exception>
    public static IDataset Open(IContainer container, string[] batches, DatasetOptions options)
    {
        var images = new List<ReadOnlyMemory<byte>>();
        var labels = new List<int>();
        using var fingerprint = new Fingerprint().Add("cifar-10");
        foreach (string name in batches)
        {
            byte[] file = container.ReadOne(name);
            if (file.Length == 0 || file.Length % Record != 0)
            {
                throw new DataException($"{container.Path}: {name} has {file.Length} bytes, which is no multiple of the {Record} "
                    + "of a CIFAR-10 record (a label and 3 × 32 × 32 bytes). Fetch it again.");
            }
            fingerprint.Add(file);
            for (int at = 0; at < file.Length; at += Record)
            {
                if (file[at] >= Classes)
                {
                    throw new DataException($"{container.Path}: {name}: record {at / Record} has label {file[at]}; CIFAR-10 has "
                        + "the labels 0..9. The file is damaged or holds something else.");
                }
                labels.Add(file[at]);
                images.Add(PlainImages.Interleave(file.AsSpan(at + 1, 3 * Plane), 3));
            }
            options.Progress?.Report((images.Count, batches.Length * (file.Length / Record)));
        }
        string source = $"{container.Path} (CIFAR-10)";
        return new MemoryDataset(Side, Side, 3, [.. images], [.. labels], ReadClassNames(container), source, fingerprint.Finish()).FittedTo(options);
    }

    private static string[] ReadClassNames(IContainer container)
    {
        string? file = container.Names.FirstOrDefault(name => Path.GetFileName(name) == "batches.meta.txt");
        string text = file is null ? "" : Encoding.UTF8.GetString(container.ReadOne(file));
        string[] names = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return names.Length == Classes ? names : ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
    }

    [GeneratedRegex(@"(^|/)data_batch_\d+\.bin$")]
    private static partial Regex BatchName();
}
