using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>Which files of a container are the images to train on, and what class their folders put them into.</summary>
/// <param name="Files">The images' names, in ordinal order.</param>
/// <param name="Labels">The class of each, or null where the images lie in no class folders.</param>
/// <param name="ClassNames">The class folders in ordinal order.</param>
internal sealed record ClassLayout(IReadOnlyList<string> Files, int[]? Labels, IReadOnlyList<string> ClassNames)
{
    private static readonly string[] Extensions =
        [".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".avif"];

    /// <summary>True for names that an image may have; what it is in truth, its bytes tell.</summary>
    public static bool IsImageName(string name) => Extensions.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Strips folders that hold everything, takes only <c>train/</c> where there is one, and then takes the topmost folders
    /// that are left for classes.
    /// </summary>
    /// <exception cref="DataException">Images lie beside class folders.</exception>
    public static ClassLayout Resolve(string container, IReadOnlyList<string> names)
    {
        string[] files = [.. names.Where(IsImageName)];
        int prefix = CommonFolder(files, 0);
        bool IsTraining(string name) => name.IndexOf('/', prefix) is > 0 and var slash
            && (name[prefix..slash].Equals("train", StringComparison.OrdinalIgnoreCase)
                || name[prefix..slash].Equals("training", StringComparison.OrdinalIgnoreCase));
        if (files.Any(IsTraining))
        {
            files = [.. files.Where(IsTraining)];
            prefix = CommonFolder(files, prefix);
        }

        string[] folders = [.. files.Select(name => name.IndexOf('/', prefix) is > 0 and var slash ? name[prefix..slash] : "")];
        string[] classes = [.. folders.Distinct().Order(StringComparer.Ordinal)];
        if (classes.Length < 2)
        {
            return new ClassLayout(files, null, []);
        }
        if (classes[0] == "")
        {
            throw new DataException($"In {container}, images lie beside class folders: {files[Array.IndexOf(folders, "")]} "
                + $"beside the folder {classes[1]}/. "
                + "Put every image into a class folder, or all into one folder for a set without labels.");
        }
        var numbers = classes.Index().ToDictionary(pair => pair.Item, pair => pair.Index);
        return new ClassLayout(files, [.. folders.Select(folder => numbers[folder])], classes);
    }

    // The length of the longest "folder/…/" from a given folder on that every name has.
    private static int CommonFolder(string[] files, int prefix)
    {
        while (files.Length > 0 && files[0].IndexOf('/', prefix) is >= 0 and var slash
            && files.All(name => name.StartsWith(files[0][..(slash + 1)], StringComparison.Ordinal)))
        {
            prefix = slash + 1;
        }
        return prefix;
    }
}
