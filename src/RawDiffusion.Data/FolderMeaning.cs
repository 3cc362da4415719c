using System.Text.RegularExpressions;
using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>What the topmost folders of a set are: classes, or its splits (train/, test/), or shards of so many files each.</summary>
internal static partial class FolderMeaning
{
    /// <summary>Whether the folders are splits of which train/ is to be taken, rather than classes of which one is called so.</summary>
    /// <param name="container">For messages.</param>
    /// <param name="files">Each image's name from the topmost folders on.</param>
    /// <exception cref="DataException">It cannot be told.</exception>
    public static bool AreSplits(string container, IReadOnlyList<string> files)
    {
        string[] folders = [.. files.Select(Top).Where(folder => folder.Length > 0).Distinct().Order(StringComparer.Ordinal)];
        string[] training = [.. folders.Where(IsTraining)], others = [.. folders.Where(folder => !SplitName().IsMatch(folder))];
        if (training.Length == 0 || others.Length == 0)
        {
            return training.Length > 0;
        }
        bool hasClasses = files.Any(file => IsTraining(Top(file)) && file.Count(letter => letter == '/') > 1);
        bool hasOtherParts = folders.Length > training.Length + others.Length || others.Any(folder => PartName().IsMatch(folder));
        return hasClasses || hasOtherParts
            ? throw new DataException($"In {container}, {training[0]}/ lies beside {string.Join(", ", folders.Except(training).Take(3).Select(folder => folder + "/"))}" +
                $"{(folders.Length > training.Length + 3 ? ", …" : "")}: whether it is the part of the set to train on or a class called {training[0]} cannot be told. " +
                $"Give the path of {training[0]}/ to train on it alone; rename it if it is a class.")
            : false;
    }

    /// <summary>True for the folder of a set's training part.</summary>
    public static bool IsTraining(string folder) =>
        folder.Equals("train", StringComparison.OrdinalIgnoreCase) || folder.Equals("training", StringComparison.OrdinalIgnoreCase);

    /// <summary>True for names that classes seldom have: of parts of a set, of masks beside images.</summary>
    public static bool IsDoubtful(string folder) => PartName().IsMatch(folder);

    /// <summary>
    /// Whether the folders only hold so many files each, as those of StyleGAN's data tool and of FFHQ: five digits, and file names that run on from
    /// folder to folder. (Classes may be numbered, too, but begin their files anew.)
    /// </summary>
    /// <param name="files">Each image's name from the topmost folders on, in ordinal order.</param>
    public static bool AreShards(IReadOnlyList<string> files)
    {
        for (int i = 0; i < files.Count; i++)
        {
            if (!ShardFile().IsMatch(files[i]) || (i > 0 && string.CompareOrdinal(Path.GetFileName(files[i - 1]), Path.GetFileName(files[i])) >= 0))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>The topmost folder of a name; empty if it has none.</summary>
    public static string Top(string file) => file.IndexOf('/') is > 0 and var slash ? file[..slash] : "";

    [GeneratedRegex("^(train|training|val|valid|validation|test|testing|dev|eval|evaluation)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex SplitName();

    // Such as train2017, test_images, trainA, seg_train; images, masks.
    [GeneratedRegex(@"^(train|training|val|valid|validation|test|testing|dev|eval|evaluation)([AB]|[ _\-].*|\d*)$|[ _\-](train|val|valid|test)$" +
        "|^((jpeg|png)?images?|imgs?|masks?|labels?|annotations?|segmentations?|gt|ground[ _-]?truth|depth|thumbs|thumbnails|previews?)$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex PartName();

    [GeneratedRegex(@"^\d{5}/[^/]*\d[^/]*$")]
    private static partial Regex ShardFile();
}
