using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>Opens whatever set of images a path leads to.</summary>
public static class DatasetOpener
{
    private const string Accepted = "Accepted are: a folder, zip or tar (.tar, .tar.gz) of images (PNG, JPEG, WebP, GIF, BMP, TIFF, PGM, PPM; class folders or files of labels " +
        "beside them give classes), MNIST's IDX files (.gz or not), the binary files of CIFAR-10, CIFAR-100 and STL-10, NumPy's .npz and .npy files of bytes, " +
            "and Parquet files as " +
        "Hugging Face's hub has them.";

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
            return OpenInArchive(path, options);
        }
        byte[] start = ReadStart(path);
        if (IdxDataset.IsImagesName(path) || start.AsSpan().StartsWith((ReadOnlySpan<byte>)[0, 0, 8, 3]))
        {
            using var siblings = FolderContainer.OpenFlat(Path.GetDirectoryName(Path.GetFullPath(path))!);
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

    // A path that goes on into an archive: set.zip/train, or a file of MNIST's format in one.
    private static IDataset OpenInArchive(string path, DatasetOptions options)
    {
        string? at = Path.GetDirectoryName(path);
        while (!string.IsNullOrEmpty(at) && !Path.Exists(at))
        {
            at = Path.GetDirectoryName(at);
        }
        if (!File.Exists(at))
        {
            throw new DataException($"There is no file or folder {path}. If the data has moved, set data.path (of a run that goes on: in its config.json) to where " +
                $"it is now. {Accepted}");
        }
        using var archive = OpenArchive(at, ReadStart(at));
        string inside = Path.GetRelativePath(at, path).Replace('\\', '/');
        if (archive.Names.Contains(inside) && IdxDataset.IsImagesName(inside))
        {
            return IdxDataset.Open(archive, inside, options);
        }
        var part = new ContainerPart(archive, inside + "/");
        return part.Listing.Names.Count > 0 ? Open(part, options)
            : throw new DataException($"{at} holds no folder {inside} and no set of that name; {Tell(archive.Names)}. {Accepted}");
    }

    private static IDataset Open(IContainer container, DatasetOptions options)
    {
        if (IdxDataset.FindImages(container, options.Split) is { } images)
        {
            return IdxDataset.Open(container, images, options);
        }
        if (CifarDataset.FindBatches(container, options.Split) is { Length: > 0 } batches)
        {
            return CifarDataset.Open(container, batches, options);
        }
        if (Cifar100Dataset.FindImages(container, options.Split) is { } records)
        {
            return Cifar100Dataset.Open(container, records, options);
        }
        if (StlDataset.FindImages(container, options.Split) is { } planes)
        {
            return StlDataset.Open(container, planes, options);
        }
        var layout = ClassLayout.Resolve(container, options.Strict, options.Split);
        if (layout.Files.Count > 0)
        {
            var set = ImageSet.Open(container, layout, options);
            foreach (string note in layout.Notes)
            {
                options.Warn?.Invoke(note);
            }
            return set;
        }
        if (container is FolderContainer && ParquetSet.FindShards(container, options.Split) is { Length: > 0 } shards)
        {
            return ParquetSet.Open(container.Path, shards, options);
        }
        throw SetFiles.WayOut(container.Names) is { } other
            ? new DataException($"{container.Path} holds {other}.")
            : new DataException($"There are no images in {container.Path}; {Tell(container.Names)}{TellPassedOver(container.Listing)}. {Accepted}");
    }

    private static string Tell(IReadOnlyList<string> names) => names.Count == 0
        ? "it is empty"
        : $"{names.Count} other file{(names.Count == 1 ? " is" : "s are")} there: {string.Join(", ", names.Take(5))}{(names.Count > 5 ? ", …" : "")}";

    private static string TellPassedOver(ContainerListing listing) => listing.PassedOver.Count == 0 ? ""
        : $"; passed over: {string.Join(", ", listing.PassedOver.Take(5).Select(item => $"{item.Name} ({item.Reason})"))}{(listing.PassedOver.Count > 5 ? ", …" : "")}";

    private static IContainer OpenArchive(string path, byte[] start)
    {
        ReadOnlySpan<byte> bytes = start;
        if (bytes.StartsWith("PK"u8))
        {
            return new ZipContainer(path);
        }
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]) || TarContainer.IsTar(bytes))
        {
            return new TarContainer(path);
        }
        throw SetFiles.WayOut([path]) is { } set ? new DataException($"{path} is one of {set}.")
            : OtherArchive.Describe(bytes) is { } other ? new DataException($"{path} is {other}")
            : ImageHeader.Detect(bytes) is { } format
            ? new DataException($"{path} is a single {format} image; to train, give the folder that holds the images. {Accepted}")
            : new DataException($"{path} is no set of images ({(bytes.IsEmpty ? "the file is empty" : ImageHeader.Describe(bytes))}). {Accepted}");
    }

    private static byte[] ReadStart(string path)
    {
        try
        {
            if (IrregularFile.Describe(path) is { } kind)
            {
                throw new DataException($"{path} is no regular file, but {kind}. {Accepted}");
            }
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
