namespace RawDiffusion.Data;

/// <summary>The one name that a folder has, whatever links lead to it.</summary>
internal static class RealPath
{
    /// <summary>The absolute path with every link on the way followed.</summary>
    /// <exception cref="IOException">A link leads nowhere, or in a circle.</exception>
    public static string Of(string path)
    {
        string full = Path.GetFullPath(path), real = Path.GetPathRoot(full)!;
        foreach (string part in full[real.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            real = Path.Combine(real, part);
            if (new DirectoryInfo(real).ResolveLinkTarget(returnFinalTarget: true) is { } target)
            {
                real = Of(target.FullName);
            }
        }
        return real;
    }
}
