using System.Text.RegularExpressions;
using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>MNIST and the sets in its format: a file of grey images and a file of labels.</summary>
internal static partial class IdxDataset
{
    /// <summary>The training images among a container's files: the ones named "train", or the only ones. Null if there are none.</summary>
    /// <exception cref="DataException">There are several.</exception>
    public static string? FindImages(IContainer container)
    {
        string[] all = [.. container.Names.Where(name => ImagesName().IsMatch(name))];
        string[] training = [.. all.Where(name => Path.GetFileName(name).Contains("train", StringComparison.OrdinalIgnoreCase))];
        string[] candidates = training.Length > 0 ? training : all;
        if (candidates.Length == 2 && candidates[0] + ".gz" == candidates[1])
        {
            return candidates[0];
        }
        return candidates.Length < 2 ? candidates.FirstOrDefault()
            : throw new DataException($"{container.Path} holds more than one set in MNIST's format: "
                + $"{string.Join(", ", candidates)}. Give the path of one of these files.");
    }

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
        using var fingerprint = new Fingerprint().Add("idx").Add(height).Add(width).Add(images.Body);
        if (labelsName is null)
        {
            options.Warn?.Invoke($"{Place(imagesName)} has no file of labels beside it; the set has no labels.");
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
            slices[i] = images.Body.AsMemory(i * height * width, height * width);
        }
        options.Progress?.Report((count, count));
        return new MemoryDataset(height, width, 1, slices, labels, classes, Place(imagesName), fingerprint.Finish());
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
