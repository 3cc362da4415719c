using RawDiffusion.Data;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests.Data;

/// <summary>Sets that are stored, and sets made of files' names.</summary>
internal static class DataCases
{
    /// <summary>The path of a stored archive.</summary>
    public static string Find(string name) => Path.Combine(SharedFiles.RepositoryRoot, "tests", "RawDiffusion.Testing", "Cases", "Data", name);

    /// <summary>Files of these names, separated by spaces: a picture each, of a colour of its own, or text for other endings. A slash ends a folder.</summary>
    public static (string Name, byte[] Content)[] Files(string names) =>
        [.. names.Split(' ').Where(name => !name.EndsWith('/')).Select((name, i) => (name, Path.GetExtension(name) is ".png" or ".jpg" or "" ? Pictures.Png((byte)i, 2, 3) : "text"u8.ToArray()))];

    /// <summary>Writes such files.</summary>
    public static string Write(TempFolder folder, string names)
    {
        foreach (string name in names.Split(' ').Where(name => name.EndsWith('/')))
        {
            Directory.CreateDirectory(Path.Combine(folder.Path, name));
        }
        foreach (var (name, content) in Files(names))
        {
            folder.Write(name, content);
        }
        return folder.Path;
    }

    /// <summary>A set's classes, separated by spaces; its images' labels; and what was said.</summary>
    public static (string Classes, int[] Labels, string Said) Open(string path, bool strict = true)
    {
        var said = new List<string>();
        var data = DatasetOpener.Open(path, new DatasetOptions { Strict = strict, Warn = said.Add });
        return (string.Join(' ', data.ClassNames), [.. Enumerable.Range(0, data.Count).Select(data.Label)], string.Join('\n', said));
    }
}
