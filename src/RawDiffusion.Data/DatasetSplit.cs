using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>A part of a published set of images.</summary>
public enum DatasetSplit
{
    /// <summary>The images to train on, or all of a set that has no parts.</summary>
    Train,

    /// <summary>The images that training never sees; a set without them is refused.</summary>
    Test,

    /// <summary>Those that training never sees, or all of a set that has no parts.</summary>
    TestIfAny,
}

/// <summary>What the parts of a set are called.</summary>
internal static class SplitNames
{
    // The first that is there counts: some sets have a part for choosing settings, too.
    private static readonly string[][] _test = [["test", "testing", "t10k"], ["val", "valid", "validation"], ["dev", "eval", "evaluation"]];

    /// <summary>Of files or folders that hold whole parts, those of one part.</summary>
    /// <param name="split">Which part; where nothing is called a part, all are the training part.</param>
    /// <param name="container">For messages.</param>
    /// <param name="names">Their names.</param>
    /// <exception cref="DataException">There is no test part.</exception>
    public static string[] Choose(DatasetSplit split, string container, IReadOnlyCollection<string> names)
    {
        if (names.Count == 0)
        {
            return [];
        }
        if (split == DatasetSplit.Train)
        {
            string[] training = [.. names.Where(name => Speaks(name, ["train", "training"]))];
            return training.Length > 0 ? training : [.. names];
        }
        return _test.Select(words => names.Where(name => Speaks(name, words)).ToArray()).FirstOrDefault(part => part.Length > 0)
            ?? (split == DatasetSplit.TestIfAny ? [.. names] : throw NoTest(container, names));
    }

    /// <summary>What is told where a set has no test part.</summary>
    public static DataException NoTest(string container, IEnumerable<string> names) => new(
        $"{container} has no test part, which a folder or a file whose name begins with test, t10k or val would be; it holds {string.Join(", ", names.Take(4))}. " +
        "Give the path of the images themselves, and ask for its training part.");

    // The name of the file or folder itself, or of a folder above it, begins with the word.
    private static bool Speaks(string name, string[] words) => name.Split('/', StringSplitOptions.RemoveEmptyEntries).Any(part => words.Any(word =>
        part.StartsWith(word, StringComparison.OrdinalIgnoreCase) || part.Contains($"-{word}-", StringComparison.OrdinalIgnoreCase)
        || part.Contains($"_{word}", StringComparison.OrdinalIgnoreCase)));
}
