using System.Text.RegularExpressions;
using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>MNIST and the sets in its format: a file of grey images and a file of labels.</summary>
internal static partial class IdxDataset
{
    /// <summary>A part's images among a container's files. Null if there are no such files.</summary>
    /// <exception cref="DataException">There are several, or none of that part.</exception>
    public static string? FindImages(IContainer container, DatasetSplit split)
    {
        string[] candidates = SplitNames.Choose(split, container.Path, [.. container.Names.Where(name => ImagesName().IsMatch(name))]);
        if (candidates.Length == 2 && candidates[0] + ".gz" == candidates[1])
        {
            return candidates[0];
        }
        if (candidates.Length < 2 || AreOneFile(container, candidates))
        {
            return candidates.OrderByDescending(name => FindLabels(container, name) is not null).FirstOrDefault();
        }
        throw new DataException($"{container.Path} holds more than one set in MNIST's format: {string.Join(", ", candidates)}. Give the path of one of these files, " +
            $"such as {container.Path}/{candidates[0]}.");
    }

    // Some archives hold every file twice, once in a folder of its name.
    private static bool AreOneFile(IContainer container, string[] names) =>
        names.Select(name => Path.GetFileName(name).Replace('.', '-').Replace("-gz", "")).Distinct().Count() == 1
        && names.Skip(1).All(name => container.ReadOne(name).AsSpan().SequenceEqual(container.ReadOne(names[0])));

    /// <summary>True for names like train-images-idx3-ubyte.gz.</summary>
    public static bool IsImagesName(string name) => ImagesName().IsMatch(name);

    /// <summary>Reads the images and, where there is one, their label file.</summary>
    /// <exception cref="DataException">A file is damaged, or they do not belong together.</exception>
    public static IDataset Open(IContainer container, string imagesName, DatasetOptions options)
    {
        string Place(string name) => Path.Combine(container.Path, name);
        var images = IdxFile.Parse(Place(imagesName), container.ReadOne(imagesName), 3, options.MemoryLimit);
        int count = images.Dimensions[0], height = images.Dimensions[1], width = images.Dimensions[2];
        Image.CheckSize(height, width);

        string? labelsName = FindLabels(container, imagesName);
        int[]? labels = null;
        string[] classes = [];
        bool isTransposed = Path.GetFileName(imagesName).StartsWith("emnist-", StringComparison.OrdinalIgnoreCase);
        byte[] pixels = isTransposed ? Transposed(images.Body, count, height, width) : images.Body;
        (height, width) = isTransposed ? (width, height) : (height, width);
        if (isTransposed)
        {
            options.Warn?.Invoke("EMNIST's images are stored with rows and columns exchanged; they are turned upright.");
        }
        using var fingerprint = new Fingerprint().Add(isTransposed ? "idx, transposed" : "idx").Add(height).Add(width).Add(pixels);
        if (labelsName is null)
        {
            options.Warn?.Invoke($"{Place(imagesName)} has {TellOtherLabels(container, imagesName)}; the set has no labels.");
        }
        else
        {
            var file = IdxFile.Parse(Place(labelsName), container.ReadOne(labelsName), 1, options.MemoryLimit);
            if (file.Body.Length != count)
            {
                throw new DataException($"{Place(labelsName)} holds {file.Body.Length} labels, but {Place(imagesName)} holds "
                    + $"{count} images; the two do not belong together.");
            }
            classes = CountClasses(Place(labelsName), file.Body);
            labels = [.. file.Body.Select(label => (int)label)];
            fingerprint.Add(file.Body);
        }
        var slices = new ReadOnlyMemory<byte>[count];
        for (int i = 0; i < count; i++)
        {
            slices[i] = pixels.AsMemory(i * height * width, height * width);
        }
        options.Progress?.Report((count, count));
        return new MemoryDataset(height, width, 1, slices, labels, classes, Place(imagesName), fingerprint.Finish()).FittedTo(options);
    }

    private static byte[] Transposed(byte[] images, int count, int height, int width)
    {
        byte[] turned = new byte[images.Length];
        for (int i = 0; i < count; i++)
        {
            var from = images.AsSpan(i * height * width, height * width);
            var to = turned.AsSpan(i * height * width, height * width);
            for (int at = 0; at < from.Length; at++)
            {
                to[at % width * height + at / width] = from[at];
            }
        }
        return turned;
    }

    // QMNIST has labels of eight numbers each.
    private static string TellOtherLabels(IContainer container, string imagesName)
    {
        int start = imagesName.LastIndexOf('/') + 1;
        string stem = imagesName[..(start + imagesName[start..].IndexOf("images", StringComparison.Ordinal))] + "labels";
        return container.Names.FirstOrDefault(name => name.StartsWith(stem, StringComparison.Ordinal)) is { } other
            ? $"labels of a layout beside it that is not read ({other}; idx1-ubyte, one byte for each image, is)"
            : "no file of labels beside it";
    }

    private static string? FindLabels(IContainer container, string imagesName)
    {
        int start = imagesName.LastIndexOf('/') + 1;
        string raw = imagesName[..start] + imagesName[start..].Replace("images", "labels").Replace("idx3", "idx1");
        raw = raw.EndsWith(".gz", StringComparison.Ordinal) ? raw[..^3] : raw;
        return container.Names.FirstOrDefault(name => name == raw || name == raw + ".gz");
    }

    // Labels are counted, not configured, so a wild one shows only by the gap below it. The ten of MNIST and its kin are always in range.
    private static string[] CountClasses(string path, byte[] labels)
    {
        int classes = Math.Max(10, labels.Max() + 1), used = labels.Distinct().Count();
        if (classes > 10 && 2 * used < classes)
        {
            int at = Array.IndexOf(labels, labels.Max());
            throw new DataException($"{path}: label {labels[at]} of image {at} is out of range: of the classes 0..{classes - 1} "
                + $"that it implies, only {used} occur. The file is damaged or holds no class labels.");
        }
        return [.. Enumerable.Range(0, classes).Select(label => $"{label}")];
    }

    [GeneratedRegex(@"(^|/)[^/]*images[-.]idx3-ubyte(\.gz)?$")]
    private static partial Regex ImagesName();
}
