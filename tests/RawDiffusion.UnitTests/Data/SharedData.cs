namespace RawDiffusion.UnitTests.Data;

/// <summary>Real data that may lie in a folder "shared" beside the repository.</summary>
internal static class SharedData
{
    /// <summary>The path of shared/data/name; skips the test where it is not there.</summary>
    public static string Find(string name)
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "RawDiffusion.sln")))
        {
            folder = folder.Parent;
        }
        string path = Path.Combine(folder?.Parent?.FullName ?? "", "shared", "data", name);
        if (!Path.Exists(path))
        {
            Assert.Skip($"shared/data/{name} is not beside the repository");
        }
        return path;
    }
}
