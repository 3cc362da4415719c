using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>Named files in a folder or an archive. For one thread at a time.</summary>
internal interface IContainer : IDisposable
{
    /// <summary>Where it is, for messages.</summary>
    string Path { get; }

    /// <summary>What is in it.</summary>
    ContainerListing Listing { get; }

    /// <summary>Its files' names.</summary>
    IReadOnlyList<string> Names => Listing.Names;

    /// <summary>The content of some of the files, one after the other, in the order that suits the container.</summary>
    /// <param name="names">Which.</param>
    /// <param name="most">Files of more bytes than this are failures.</param>
    IEnumerable<ContainerFile> Read(IReadOnlyCollection<string> names, long most = ContainerNames.MaxImageBytes);

    /// <summary>The first bytes of a file that has no image's name, by which it may be recognised.</summary>
    ContainerFile ReadStart(string name);

    /// <summary>The content of one file.</summary>
    /// <exception cref="DataException">It cannot be read.</exception>
    byte[] ReadOne(string name)
    {
        var file = Read([name], ContainerNames.MaxFileBytes).Single();
        return file.Failure is null ? file.Bytes : throw new DataException($"{Path}: {name}: {file.Failure}");
    }
}

/// <summary>A file of a container: its bytes, or why they cannot be read.</summary>
internal readonly record struct ContainerFile(string Name, byte[] Bytes, string? Failure = null);
