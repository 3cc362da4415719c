using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>The files below a folder. Links are followed.</summary>
internal sealed class FolderContainer(string path, ContainerListing listing) : IContainer
{
    public string Path { get; } = path;

    public ContainerListing Listing { get; } = listing;

    /// <summary>All files below a folder.</summary>
    /// <exception cref="DataException">The folder cannot be listed, or is a training run.</exception>
    public static FolderContainer Open(string path) => new(path, FolderWalk.List(path));

    /// <summary>The files in a folder, and none below it.</summary>
    public static FolderContainer OpenFlat(string path) => new(path, ContainerListing.Of(path,
        Directory.EnumerateFiles(path).Select(file => System.IO.Path.GetFileName(file)).Where(name => name != "config.json"), [], []));

    public IEnumerable<ContainerFile> Read(IReadOnlyCollection<string> names, long most) =>
        names.Select(name => ReadFile(name, stream => ContainerNames.ReadExactly(stream, stream.Length, most)));

    public ContainerFile ReadStart(string name) => ReadFile(name, ContainerNames.ReadStart);

    public void Dispose()
    {
    }

    private ContainerFile ReadFile(string name, Func<FileStream, byte[]> read)
    {
        string file = System.IO.Path.Combine(Path, name);
        try
        {
            if (IrregularFile.Describe(file) is { } kind)
            {
                return new ContainerFile(name, [], $"it is no regular file, but {kind}");
            }
            using var stream = File.OpenRead(file);
            return new ContainerFile(name, read(stream));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return new ContainerFile(name, [], $"it cannot be read ({e.Message})");
        }
    }
}
