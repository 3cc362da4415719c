using System.Buffers.Binary;
using System.Text.RegularExpressions;
using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>
/// Images in an array of NumPy: <c>.npy</c>, or <c>.npz</c> as <c>sample</c>, <c>numpy.savez</c>, Keras and others write it. The images are bytes
/// [N, H, W], [N, H, W, C] or [N, C, H, W] with 1 or 3 channels C; where both of the latter fit, it is [N, H, W, C].
/// </summary>
internal static partial class NumpyDataset
{
    private const int MostClasses = 1 << 16;
    private const string Conversion =
        "Numbers from 0 to 1 become bytes by (255 * x).round().astype('uint8'), numbers from -1 to 1 by (127.5 * x + 127.5).round().clip(0, 255).astype('uint8').";

    /// <summary>Whether a file is one of NumPy's.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="start">Its first bytes.</param>
    public static bool IsNumpy(string path, ReadOnlySpan<byte> start) =>
        start.StartsWith(NpyHeader.Magic) || Path.GetExtension(path).ToLowerInvariant() is ".npz" or ".npy";

    /// <summary>Reads the images and, where an array of them is named for it, their labels.</summary>
    /// <exception cref="DataException">There are no images, or several sets of them; or the file is damaged.</exception>
    public static IDataset Open(string path, DatasetOptions options)
    {
        bool isArchive = Path.GetExtension(path).Equals(".npz", StringComparison.OrdinalIgnoreCase);
        using var arrays = isArchive ? NumpyArrays.OpenArchive(path) : NumpyArrays.OpenFile(path);
        string images = isArchive ? FindImages(path, arrays, options.Split) : Path.GetFileNameWithoutExtension(path);
        string? labels = LabelNames(images).FirstOrDefault(arrays.Names.Contains);
        string[] others = [.. arrays.Names.Where(name => isArchive && name != images && name != labels).Order(StringComparer.Ordinal)];
        if (others.Length > 0)
        {
            options.Warn?.Invoke($"{path}: the images are {images}, {(labels is null ? "without labels" : $"their labels {labels}")}; left out: {string.Join(", ", others)}.");
        }
        var pixels = ReadImages(arrays, images, options);
        int[]? classes = labels is null ? null : ReadLabels(arrays, labels, pixels.Pixels.Length, options);
        string[] names = classes is null ? [] : [.. Enumerable.Range(0, classes.Max() + 1).Select(label => $"{label}")];
        return (pixels with { Labels = classes, ClassNames = names }).ToDataset(path, options);
    }

    private static string FindImages(string path, NumpyArrays arrays, DatasetSplit split)
    {
        var headers = arrays.Names.Order(StringComparer.Ordinal).Select(name => (Name: name, Header: arrays.Header(name))).ToArray();
        string[] all = [.. headers.Where(array => array.Header.IsBytes && array.Header.Shape.Count is 3 or 4).Select(array => array.Name)];
        string[] candidates = split == DatasetSplit.Train && all.Contains("arr_0") ? ["arr_0"] : SplitNames.Choose(split, path, all);
        if (candidates.Length == 1)
        {
            return candidates[0];
        }
        string found = headers.Length == 0 ? "no array"
            : string.Join(", ", headers.Take(8).Select(array => $"{array.Name} {array.Header.Text}")) + (headers.Length > 8 ? ", …" : "");
        throw new DataException(candidates.Length == 0
            ? $"{path} holds no images, which are an array of bytes (uint8) [N, H, W], [N, H, W, C] or [N, C, H, W]; it holds {found}. {Conversion}"
            : $"{path} holds several arrays of images: {found}. Save the one to train on as arr_0, and its labels as arr_1: numpy.savez(path, images, labels).");
    }

    private static PlainImages ReadImages(NumpyArrays arrays, string name, DatasetOptions options)
    {
        var header = arrays.Header(name);
        string found = $"{arrays.Label(name)} is {header.Text}";
        if (!header.IsBytes)
        {
            throw new DataException($"{found}, but images are bytes (|u1, uint8). {Conversion}");
        }
        if (header.IsFortran)
        {
            throw new DataException($"{found} in Fortran's order, the first extent fastest; images are read in C's. Save numpy.ascontiguousarray(x).");
        }
        var (height, width, channels, planar) = header.Shape switch
        {
            [_, var h, var w] when w is not (1 or 3) => (h, w, 1L, false),
            [_, var h, var w, (1 or 3) and var c] => (h, w, c, false),
            [_, (1 or 3) and var c, var h, var w] => (h, w, c, true),
            [_, _, 1 or 3] => throw new DataException($"{found}, which may be one picture [H, W, C] or many grey ones [N, H, W]. Save x[None] or x[..., None], which is clear."),
            _ => throw new DataException($"{found}, but images are [N, H, W], [N, H, W, C] or [N, C, H, W] with 1 or 3 channels C. Save it with numpy.reshape, and RGBA " +
                "as x[..., :3]."),
        };
        CheckSize(found, height, width);
        var bytes = arrays.Elements(name, 1, options.MemoryLimit);
        int each = (int)(height * width * channels);
        if (bytes.Length == 0)
        {
            throw new DataException($"{found}: there is no image in it.");
        }
        var pixels = new ReadOnlyMemory<byte>[bytes.Length / each];
        for (int i = 0; i < pixels.Length; i++)
        {
            var image = bytes.Slice(i * each, each);
            pixels[i] = planar && channels > 1 ? PlainImages.Interleave(image.Span, (int)channels) : image;
        }
        return new PlainImages("numpy", (int)height, (int)width, (int)channels, pixels, null, []);
    }

    private static void CheckSize(string found, long height, long width)
    {
        try
        {
            Image.CheckSize(height, width);
        }
        catch (DataException e)
        {
            throw new DataException($"{found}: {e.Message}", e);
        }
    }

    private static int[] ReadLabels(NumpyArrays arrays, string name, int count, DatasetOptions options)
    {
        var header = arrays.Header(name);
        if (header.IntegerBytes is not { } size || header.Shape is not [var first, ..] || first != count || header.Count != count)
        {
            throw new DataException($"{arrays.Label(name)} is {header.Text}, but the labels of {count} images are little-endian whole numbers [{count}], such as <i8 or |u1. " +
                "Save x.argmax(1) for one-hot labels, x.astype('int64') for others, or leave the array out.");
        }
        var bytes = arrays.Elements(name, size, options.MemoryLimit).Span;
        int[] labels = new int[count];
        for (int i = 0; i < count; i++)
        {
            long label = Integer(bytes.Slice(i * size, size), isSigned: header.Type[^2] == 'i');
            labels[i] = label is >= 0 and < MostClasses
                ? (int)label
                : throw new DataException($"{arrays.Label(name)} holds {label} for image {i}; classes are numbers from 0 to {MostClasses - 1}.");
        }
        return labels;
    }

    private static long Integer(ReadOnlySpan<byte> bytes, bool isSigned) => (bytes.Length, isSigned) switch
    {
        (1, true) => (sbyte)bytes[0],
        (1, false) => bytes[0],
        (2, true) => BinaryPrimitives.ReadInt16LittleEndian(bytes),
        (2, false) => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        (4, true) => BinaryPrimitives.ReadInt32LittleEndian(bytes),
        (4, false) => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        // What an unsigned one has above 2^63 is negative here, and no class either.
        _ => BinaryPrimitives.ReadInt64LittleEndian(bytes),
    };

    /// <summary>What writers call the labels of an array of images: arr_1 (NumPy) for arr_0, y_train (Keras) for x_train, labels for images or data.</summary>
    private static IEnumerable<string> LabelNames(string images) => new[]
    {
        images.Replace("arr_0", "arr_1"), LetterX().Replace(images, "y"), LetterX().Replace(images, "Y"), images.Replace("images", "labels"), images.Replace("image", "label"),
        images.Replace("data", "labels"),
    }.Where(name => name != images);

    [GeneratedRegex("(?<![A-Za-z])[xX](?![A-Za-z])")]
    private static partial Regex LetterX();
}
