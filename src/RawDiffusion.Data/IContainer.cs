using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>Named files in a folder or an archive. For one thread at a time.</summary>
internal interface IContainer : IDisposable
{
    /// <summary>Where it is, for messages.</summary>
    string Path { get; }

    /// <summary>All files but hidden ones, by their relative names with forward slashes, in ordinal order.</summary>
    IReadOnlyList<string> Names { get; }

    /// <summary>The content of some of the files, one after the other, in the order that suits the container.</summary>
    IEnumerable<ContainerFile> Read(IReadOnlyCollection<string> names);

    /// <summary>The content of one file.</summary>
    /// <exception cref="DataException">It cannot be read.</exception>
    byte[] ReadOne(string name)
    {
        var file = Read([name]).Single();
        return file.Failure is null ? file.Bytes : throw new DataException($"{Path}: {name}: {file.Failure}");
    }
}

/// <summary>A file of a container: its bytes, or why they cannot be read.</summary>
internal readonly record struct ContainerFile(string Name, byte[] Bytes, string? Failure = null);
