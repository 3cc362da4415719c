using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>Opens whatever set of images a path leads to.</summary>
public static class DatasetOpener
{
    private const string Accepted = "Accepted are: a folder, zip or tar (.tar, .tar.gz) of images (PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF; class folders give labels), "
        + "a folder with MNIST's IDX files (.gz or not) or one of them, a folder or archive with CIFAR-10's binary batches (data_batch_*.bin), "
        + "CIFAR-100's or STL-10's binary files, NumPy's .npz and .npy files of bytes, and Parquet files as Hugging Face's hub has them.";

    /// <summary>Opens the set at <paramref name="path"/>; the built-in shapes if it is null.</summary>
    /// <exception cref="DataException">There is nothing, nothing that is known, or something damaged.</exception>
    public static IDataset Open(string? path, DatasetOptions options)
    {
        if (path is null)
        {
            return new ShapesDataset(options.ShapesCount, options.ShapesSize);
        }
        if (Directory.Exists(path))
        {
            using var folder = FolderContainer.Open(path);
            return Open(folder, options);
        }
        if (!File.Exists(path))
        {
            throw new DataException($"There is no file or folder {path}. {Accepted}");
        }
        byte[] start = ReadStart(path);
        if (IdxDataset.IsImagesName(path) || start.AsSpan().StartsWith((ReadOnlySpan<byte>)[0, 0, 8, 3]))
        {
            string parent = Path.GetDirectoryName(Path.GetFullPath(path))!;
            using var siblings = new FolderContainer(parent, Directory.EnumerateFiles(parent).Select(file => Path.GetFileName(file)));
            return IdxDataset.Open(siblings, Path.GetFileName(path), options);
        }
        if (NumpyDataset.IsNumpy(path, start))
        {
            return NumpyDataset.Open(path, options);
        }
        if (start.AsSpan().StartsWith("PAR1"u8))
        {
            return ParquetSet.Open(Path.GetDirectoryName(Path.GetFullPath(path))!, [Path.GetFileName(path)], options);
        }
        using var archive = OpenArchive(path, start);
        return Open(archive, options);
    }

    private static IDataset Open(IContainer container, DatasetOptions options)
    {
        if (IdxDataset.FindImages(container) is { } images)
        {
            return IdxDataset.Open(container, images, options);
        }
        if (CifarDataset.FindBatches(container) is { Length: > 0 } batches)
        {
            return CifarDataset.Open(container, batches, options);
        }
        if (Cifar100Dataset.FindTraining(container) is { } training)
        {
            return Cifar100Dataset.Open(container, training, options);
        }
        if (StlDataset.FindImages(container) is { } planes)
        {
            return StlDataset.Open(container, planes, options);
        }
        var layout = ClassLayout.Resolve(container.Path, container.Names);
        if (layout.Files.Count > 0)
        {
            return ImageSet.Open(container, layout, options);
        }
        if (container is FolderContainer && ParquetSet.FindShards(container) is { Length: > 0 } shards)
        {
            return ParquetSet.Open(container.Path, shards, options);
        }
        throw SetFiles.WayOut(container.Names) is { } other
            ? new DataException($"{container.Path} holds {other}.")
            : new DataException($"There are no images in {container.Path}; {Tell(container.Names)}. {Accepted}");
    }

    private static string Tell(IReadOnlyList<string> names) => names.Count == 0
        ? "it is empty"
        : $"{names.Count} other file{(names.Count == 1 ? " is" : "s are")} there: "
            + $"{string.Join(", ", names.Take(5))}{(names.Count > 5 ? ", …" : "")}";

    private static IContainer OpenArchive(string path, byte[] start)
    {
        ReadOnlySpan<byte> bytes = start;
        if (bytes.StartsWith("PK"u8))
        {
            return new ZipContainer(path);
        }
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]) || (bytes.Length > 262 && bytes[257..].StartsWith("ustar"u8)))
        {
            return new TarContainer(path);
        }
        throw SetFiles.WayOut([path]) is { } other ? new DataException($"{path} is one of {other}.")
            : ImageHeader.Detect(bytes) is { } format
            ? new DataException($"{path} is a single {format} image; to train, give the folder that holds the images. {Accepted}")
            : new DataException($"{path} is no set of images "
                + $"({(bytes.IsEmpty ? "the file is empty" : ImageHeader.Describe(bytes))}). {Accepted}");
    }

    private static byte[] ReadStart(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            byte[] start = new byte[512];
            return start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} cannot be read: {e.Message}", e);
        }
    }
}
