using RawDiffusion.Core;
using RawDiffusion.Data;

namespace RawDiffusion.Training;

/// <summary>A data set's images as a model's evaluation takes them.</summary>
public static class EvaluatedImages
{
    /// <summary>Fills network-sized images in [−1, 1], each in the middle of a black border where the network is larger, as in training.</summary>
    /// <param name="data">The images.</param>
    /// <param name="first">The first of them.</param>
    /// <param name="height">The network's rows.</param>
    /// <param name="width">The network's columns.</param>
    /// <param name="target">[N, height, width, channels].</param>
    /// <exception cref="DataException">An image cannot be read.</exception>
    public static void Read(IDataset data, int first, int height, int width, Span<float> target)
    {
        var border = new ImageBorder(data, height, width);
        byte[] image = new byte[data.Height * data.Width * data.Channels], bordered = new byte[height * width * data.Channels];
        for (int at = 0, i = first; at < target.Length; at += bordered.Length, i++)
        {
            data.Read(i, image);
            border.Put(image, false, bordered);
            for (int k = 0; k < bordered.Length; k++)
            {
                target[at + k] = bordered[k] / 127.5f - 1;
            }
        }
    }

    /// <summary>The classes of the images as the model numbers them: by their names, where the model knows some.</summary>
    /// <param name="data">The images.</param>
    /// <param name="classes">How many classes the model has.</param>
    /// <param name="names">Their names, as far as they are known.</param>
    /// <returns>A class for each image; null for a model without classes, or for images without.</returns>
    /// <exception cref="DataException">The images are of a class that the model does not have.</exception>
    public static int[]? Labels(IDataset data, int classes, IReadOnlyList<string> names)
    {
        if (classes == 0 || data.ClassNames.Count == 0)
        {
            return null;
        }
        string[] known = [.. names];
        int[] numbers = [.. data.ClassNames.Select((name, label) => known.Length == 0 ? label : Array.IndexOf(known, name))];
        int unknown = Array.FindIndex(numbers, number => number < 0 || number >= classes);
        return unknown < 0 ? [.. Enumerable.Range(0, data.Count).Select(i => numbers[data.Label(i)])]
            : throw new DataException($"The images are of a class {data.ClassNames[unknown]}, which the model does not have: it has " +
                $"{(known.Length > 0 ? string.Join(", ", known) : $"0 to {classes - 1}")}. Evaluate it on images of its classes.");
    }
}
