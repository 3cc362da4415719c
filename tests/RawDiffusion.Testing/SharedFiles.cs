namespace RawDiffusion.Testing;

/// <summary>Finds the folder <c>shared</c> beside the repository, with data and values of the reference systems; not every machine has it.</summary>
public static class SharedFiles
{
    /// <summary>Why a test that needs the folder skips.</summary>
    public const string Missing = "the folder 'shared' is not beside the repository";

    /// <summary>The root of the repository: the nearest folder above the test program that holds the solution.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>A path within the folder, or null where it does not exist.</summary>
    public static string? Find(string relativePath)
    {
        string path = Path.GetFullPath(Path.Combine(RepositoryRoot, "..", "shared", relativePath));
        return Path.Exists(path) ? path : null;
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "RawDiffusion.sln")))
            {
                return folder.FullName;
            }
        }
        return AppContext.BaseDirectory;
    }
}
