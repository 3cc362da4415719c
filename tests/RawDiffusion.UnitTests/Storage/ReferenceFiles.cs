namespace RawDiffusion.UnitTests.Storage;

/// <summary>Files that the reference systems wrote, in a folder <c>shared</c> beside the repository; tests that want them are skipped without.</summary>
internal static class ReferenceFiles
{
    public static string Folder(params string[] parts)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "RawDiffusion.sln")))
        {
            root = root.Parent;
        }

        string folder = Path.Combine([root?.Parent?.FullName ?? "", "shared", "reference", .. parts]);
        Assert.SkipUnless(Directory.Exists(folder), $"The reference files {folder} are not here.");
        return folder;
    }
}
