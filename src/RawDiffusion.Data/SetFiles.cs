using System.Text;

namespace RawDiffusion.Data;

/// <summary>The files that belong to a published set of images.</summary>
internal static class SetFiles
{
    private const string Matlab =
        "in Python, m = scipy.io.loadmat('train_32x32.mat') and numpy.savez('train.npz', m['X'].transpose(3, 0, 1, 2), m['y'].ravel() % 10) make a file that is read";

    /// <summary>What is told of sets in forms that are not read; null for none of these.</summary>
    /// <param name="names">A container's files.</param>
    public static string? WayOut(IReadOnlyList<string> names)
    {
        bool Has(params string[] files) => names.Any(name => files.Contains(Path.GetFileName(name)));
        return Has("data_batch_1", "batches.meta") ? "CIFAR-10's Python version; its binary version (data_batch_*.bin) or a folder of images is needed"
            : Has("train") && Has("meta") ? "CIFAR-100's Python version; its binary version (train.bin, fine_label_names.txt) or a folder of images is needed"
            : names.Any(name => name.EndsWith("_32x32.mat", StringComparison.OrdinalIgnoreCase)) ? $"SVHN's cropped digits in MATLAB's format; {Matlab}"
            : names.Any(name => name.EndsWith(".mat", StringComparison.OrdinalIgnoreCase)) ? $"files in MATLAB's format; {Matlab}"
            : names.FirstOrDefault(name => Path.GetExtension(name).ToLowerInvariant() is ".npz" or ".npy") is { } numpy
                ? $"{numpy}, a file of NumPy, which is not opened in a folder or an archive, but by its own path"
            : names.FirstOrDefault(name => name.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase)) is { } parquet
                ? $"{parquet}, a Parquet file, which is not opened in an archive; unpack it"
            : null;
    }

    /// <summary>The name of a file in the folder of another.</summary>
    public static string Beside(string name, string file) => name[..(name.LastIndexOf('/') + 1)] + file;

    /// <summary>The classes' names, a line each; their numbers where the file is missing or has others than so many.</summary>
    public static IReadOnlyList<string> ReadNames(IContainer container, string file, int classes)
    {
        string text = container.Names.Contains(file) ? Encoding.UTF8.GetString(container.ReadOne(file)) : "";
        string[] names = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return names.Length == classes ? names : [.. Enumerable.Range(0, classes).Select(label => $"{label}")];
    }
}
