using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>
/// STL-10's binary version: 96×96 bytes each of red, green and blue, every plane column after column (<c>train_X.bin</c>), and a label from 1 for
/// each picture (<c>train_y.bin</c>).
/// </summary>
internal static class StlDataset
{
    private const int Side = 96, Plane = Side * Side, Classes = 10;
    private static readonly string[] Images = ["train_X.bin", "unlabeled_X.bin", "test_X.bin"];

    /// <summary>A part's images among a container's files, for training the unlabelled ones where there are no others; null if there are no such files.</summary>
    /// <exception cref="DataException">There are images, but none of that part.</exception>
    public static string? FindImages(IContainer container, DatasetSplit split) => SplitNames.Choose(split, container.Path,
        [.. Images.SelectMany(file => container.Names.Where(name => Path.GetFileName(name) == file))]).FirstOrDefault();

    /// <summary>Reads the images and, where their file is there, the labels.</summary>
    /// <exception cref="DataException">A file is no whole number of images, or a label is out of range.</exception>
    public static IDataset Open(IContainer container, string imagesName, DatasetOptions options)
    {
        byte[] file = container.ReadOne(imagesName);
        string path = Path.Combine(container.Path, imagesName), labelsName = imagesName.Replace("_X.bin", "_y.bin");
        if (file.Length == 0 || file.Length % (3 * Plane) != 0)
        {
            throw new DataException($"{path} has {file.Length} bytes, which is no multiple of the {3 * Plane} of an STL-10 image (3 × 96 × 96 bytes). Fetch it again.");
        }
        var images = new ReadOnlyMemory<byte>[file.Length / (3 * Plane)];
        for (int i = 0; i < images.Length; i++)
        {
            images[i] = Turn(file.AsSpan(i * 3 * Plane, 3 * Plane));
        }
        int[]? labels = container.Names.Contains(labelsName) ? ReadLabels(container, labelsName, images.Length) : null;
        if (labels is null)
        {
            options.Warn?.Invoke($"{path} has no file {Path.GetFileName(labelsName)} of labels beside it; the set has no labels.");
        }
        var names = labels is null ? [] : SetFiles.ReadNames(container, SetFiles.Beside(imagesName, "class_names.txt"), Classes);
        return new PlainImages("stl-10", Side, Side, 3, images, labels, names).ToDataset($"{container.Path} (STL-10)", options);
    }

    private static int[] ReadLabels(IContainer container, string name, int count)
    {
        byte[] labels = container.ReadOne(name);
        string path = Path.Combine(container.Path, name);
        if (labels.Length != count)
        {
            throw new DataException($"{path} holds {labels.Length} labels for {count} images; the two do not belong together. Fetch both again.");
        }
        int wrong = Array.FindIndex(labels, label => label is < 1 or > Classes);
        return wrong < 0
            ? [.. labels.Select(label => label - 1)]
            : throw new DataException($"{path}: label {labels[wrong]} of image {wrong} is out of range; STL-10 has the labels 1 to {Classes}. The file is damaged.");
    }

    private static byte[] Turn(ReadOnlySpan<byte> planes)
    {
        byte[] pixels = new byte[planes.Length];
        for (int i = 0; i < pixels.Length; i++)
        {
            int row = i / 3 / Side, column = i / 3 % Side;
            pixels[i] = planes[i % 3 * Plane + column * Side + row];
        }
        return pixels;
    }
}
