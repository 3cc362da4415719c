using System.IO.Enumeration;
using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>Lists what is below a folder. Links are followed after all else, and each folder is read once, so that circles end.</summary>
internal sealed class FolderWalk
{
    private readonly string _root, _realRoot;
    private readonly HashSet<string> _visited = new(StringComparer.Ordinal);
    private readonly List<string> _files = [], _folders = [];
    private readonly List<PassedOver> _passedOver = [];
    private List<string> _links = [];

    private FolderWalk(string root) => (_root, _realRoot) = (root, RealPath.Of(root));

    /// <summary>The files below a folder.</summary>
    /// <exception cref="DataException">The folder cannot be listed, or is a training run.</exception>
    public static ContainerListing List(string path)
    {
        try
        {
            var walk = new FolderWalk(path);
            walk.Follow("", walk._realRoot);
            while (walk._links.Count > 0)
            {
                string[] links = [.. walk._links.Order(StringComparer.Ordinal)];
                walk._links = [];
                foreach (string link in links)
                {
                    walk.FollowLink(link);
                }
            }
            return ContainerListing.Of(path, walk._files, walk._folders, walk._passedOver);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} cannot be listed: {e.Message}", e);
        }
    }

    private void FollowLink(string link)
    {
        string real;
        try
        {
            real = RealPath.Of(Path.Combine(_root, link));
        }
        catch (IOException e)
        {
            _passedOver.Add(new PassedOver($"{link}/", $"a link that cannot be followed ({e.Message})", IsFault: true));
            return;
        }
        if (_realRoot.StartsWith(Path.TrimEndingDirectorySeparator(real) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            _passedOver.Add(new PassedOver($"{link}/", "a link to a folder above"));
        }
        else if (_visited.Contains(real))
        {
            _passedOver.Add(new PassedOver($"{link}/", "a link to a folder that is read already"));
        }
        else
        {
            _folders.Add(link);
            Follow($"{link}/", real);
        }
    }

    private void Follow(string start, string realStart)
    {
        var open = new Stack<(string Folder, string Real)>([(start, realStart)]);
        while (open.TryPop(out var at))
        {
            if (!_visited.Add(at.Real))
            {
                _passedOver.Add(new PassedOver(at.Folder, "a folder that is read already"));
                continue;
            }
            foreach (var (name, isFolder, isLink) in Entries(at.Folder, at.Real))
            {
                string relative = at.Folder + name;
                if (name.Contains('\uFFFD') && !Path.Exists(Path.Combine(at.Real, name)))
                {
                    _passedOver.Add(new PassedOver(relative, "a name that is no UTF-8, by which it cannot be opened; rename it", IsFault: isFolder || ImageNames.IsImage(name)));
                }
                else if (!isFolder)
                {
                    _files.Add(relative);
                }
                else if (ContainerNames.IsHidden(name))
                {
                    _passedOver.Add(new PassedOver($"{relative}/", ContainerNames.Hidden));
                }
                else if (isLink)
                {
                    _links.Add(relative);
                }
                else
                {
                    _folders.Add(relative);
                    open.Push(($"{relative}/", Path.Combine(at.Real, name)));
                }
            }
        }
    }

    private List<(string Name, bool IsFolder, bool IsLink)> Entries(string folder, string real)
    {
        var options = new EnumerationOptions { IgnoreInaccessible = false, AttributesToSkip = 0 };
        try
        {
            return [.. new FileSystemEnumerable<(string, bool, bool)>(real, (ref FileSystemEntry entry) => (entry.FileName.ToString(), entry.IsDirectory,
                entry.IsDirectory && (entry.Attributes & FileAttributes.ReparsePoint) != 0 && entry.ToFileSystemInfo().LinkTarget is not null), options)];
        }
        catch (Exception e) when (folder.Length > 0 && e is IOException or UnauthorizedAccessException)
        {
            _passedOver.Add(new PassedOver(folder, "it cannot be listed", IsFault: true));
            return [];
        }
    }
}
