namespace RawDiffusion.Testing;

/// <summary>Files that earlier versions of the program wrote, or other systems: the folder <c>Fixtures</c>, whose README says how they came about.</summary>
public static class StoredFiles
{
    /// <summary>The name of the instruction set, as devices describe themselves, that made the numbers.</summary>
    public const string InstructionSet = "AVX-512";

    /// <summary>What version 1 wrote.</summary>
    public static string Version1 { get; } = Folder("v1");

    /// <summary>A folder of them.</summary>
    public static string Folder(string name) => Path.Combine(SharedFiles.RepositoryRoot, "tests", "RawDiffusion.Testing", "Fixtures", name);

    /// <summary>Copies one of them to where a test may change it.</summary>
    /// <param name="source">A folder.</param>
    /// <param name="target">A folder that is not there yet.</param>
    public static void Copy(string source, string target)
    {
        Directory.CreateDirectory(target);
        foreach (string folder in Directory.GetDirectories(source, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(Path.Combine(target, Path.GetRelativePath(source, folder)));
        }
        foreach (string file in Directory.GetFiles(source, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(target, Path.GetRelativePath(source, file)));
        }
    }
}
