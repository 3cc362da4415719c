using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>CIFAR-100's binary version: records of a coarse label, a fine label (the one that is taken) and 32×32 bytes each of red, green and blue.</summary>
internal static class Cifar100Dataset
{
    private const int Side = 32, Pixels = 3 * Side * Side, Record = 2 + Pixels, Classes = 100, Groups = 20;

    /// <summary>A part's file among a container's files: <c>train.bin</c> or <c>test.bin</c> beside <c>fine_label_names.txt</c>; null if there are no such files.</summary>
    /// <exception cref="DataException">There is only the other part.</exception>
    public static string? FindImages(IContainer container, DatasetSplit split) => SplitNames.Choose(split, container.Path, [.. container.Names.Where(name =>
        Path.GetFileName(name) is "train.bin" or "test.bin" && container.Names.Contains(SetFiles.Beside(name, "fine_label_names.txt")))]).FirstOrDefault();

    /// <summary>Reads the images.</summary>
    /// <exception cref="DataException">The file is no whole number of records, or a label is out of range.</exception>
    public static IDataset Open(IContainer container, string training, DatasetOptions options)
    {
        byte[] file = container.ReadOne(training);
        string path = Path.Combine(container.Path, training);
        if (file.Length == 0 || file.Length % Record != 0)
        {
            throw new DataException($"{path} has {file.Length} bytes, which is no multiple of the {Record} of a CIFAR-100 record (two labels and 3 × 32 × 32 bytes). " +
                "Fetch it again.");
        }
        var images = new ReadOnlyMemory<byte>[file.Length / Record];
        int[] labels = new int[images.Length];
        for (int i = 0; i < images.Length; i++)
        {
            var record = file.AsSpan(i * Record, Record);
            if (record[0] >= Groups || record[1] >= Classes)
            {
                throw new DataException($"{path}: record {i} has the labels {record[0]} and {record[1]}; CIFAR-100 has coarse labels 0 to {Groups - 1} and fine ones 0 to " +
                    $"{Classes - 1}. The file is damaged or holds something else.");
            }
            labels[i] = record[1];
            images[i] = PlainImages.Interleave(record[2..], 3);
        }
        var names = SetFiles.ReadNames(container, SetFiles.Beside(training, "fine_label_names.txt"), Classes);
        return new PlainImages("cifar-100", Side, Side, 3, images, labels, names).ToDataset($"{container.Path} (CIFAR-100)", options);
    }
}
