using System.IO.Enumeration;
using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>The files below a folder. Links to files are followed, links to folders are not, so that there is no endless loop.</summary>
internal sealed class FolderContainer : IContainer
{
    /// <param name="path">The folder.</param>
    /// <param name="names">Names relative to it.</param>
    public FolderContainer(string path, IEnumerable<string> names) => (Path, Names) = (path, ContainerNames.Sort(path, names));

    public string Path { get; }

    public IReadOnlyList<string> Names { get; }

    /// <summary>All files below a folder.</summary>
    /// <exception cref="DataException">The folder, or one below it, cannot be listed.</exception>
    public static FolderContainer Open(string path)
    {
        var files = new FileSystemEnumerable<string>(path, (ref FileSystemEntry entry) => entry.ToFullPath(),
            new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = false, AttributesToSkip = 0 })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory,
            ShouldRecursePredicate = (ref FileSystemEntry entry) =>
                (entry.Attributes & FileAttributes.ReparsePoint) == 0 && !entry.FileName.StartsWith('.'),
        };
        try
        {
            var names = files.Select(file => System.IO.Path.GetRelativePath(path, file).Replace('\\', '/'));
            return new FolderContainer(path, names.Where(name => !ContainerNames.IsHidden(name)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} cannot be listed: {e.Message}", e);
        }
    }

    public IEnumerable<ContainerFile> Read(IReadOnlyCollection<string> names) => names.Select(ReadFile);

    public void Dispose()
    {
    }

    private ContainerFile ReadFile(string name)
    {
        try
        {
            using var stream = File.OpenRead(System.IO.Path.Combine(Path, name));
            return new ContainerFile(name, ContainerNames.ReadExactly(stream, stream.Length));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return new ContainerFile(name, [], $"it cannot be read ({e.Message})");
        }
    }
}
