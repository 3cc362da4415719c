using RawDiffusion.Storage;

namespace RawDiffusion.UnitTests.Storage;

/// <summary>Passes everything on to the disk and writes down what was done, with paths relative to a root.</summary>
internal sealed class JournalFileSystem(string root) : IFileSystem
{
    private static readonly DiskFileSystem Disk = DiskFileSystem.Instance;

    /// <summary>What was done, as steps on a model of the disk.</summary>
    public List<Action<PowerLossDisk>> Journal { get; } = [];

    public void CreateFolder(string path) => Do(disk => disk.Link(Relative(path), new DiskFolder()), () => Disk.CreateFolder(path));

    public Stream Create(string path)
    {
        Do(disk => disk.Link(Relative(path), new DiskFile()), () => { });
        return new JournalStream(this, Disk.Create(path), Relative(path));
    }

    public Stream Append(string path) => throw new NotSupportedException();

    public void Sync(Stream file)
    {
        var stream = (JournalStream)file;
        Do(disk => disk.Sync(stream.Name), () => { });
    }

    public void SyncFolder(string path) => Do(disk => disk.Sync(Relative(path)), () => { });

    public void RenameFolder(string from, string to) => Do(disk => disk.Rename(Relative(from), Relative(to)), () => Disk.RenameFolder(from, to));

    public void ReplaceFile(string from, string to) => Do(disk => disk.Rename(Relative(from), Relative(to)), () => Disk.ReplaceFile(from, to));

    public void DeleteFile(string path) => Do(disk => disk.Unlink(Relative(path)), () => Disk.DeleteFile(path));

    public void DeleteFolder(string path) => Do(disk => disk.Unlink(Relative(path)), () => Disk.DeleteFolder(path));

    private string Relative(string path) => Path.GetRelativePath(root, path);

    private void Do(Action<PowerLossDisk> step, Action action)
    {
        Journal.Add(step);
        action();
    }

    private sealed class JournalStream(JournalFileSystem owner, Stream inner, string name) : Stream
    {
        public string Name => name;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => inner.Length;

        public override long Position { get => inner.Position; set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            var (position, bytes) = (inner.Position, buffer.ToArray());
            owner.Do(disk => disk.Write(name, position, bytes), () => { });
            inner.Write(buffer);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}

internal abstract class DiskNode
{
    /// <summary>Makes everything pending durable.</summary>
    public abstract void Sync();

    /// <summary>Writes what a loss of power leaves; <paramref name="survives"/> decides for each pending change on its own.</summary>
    public abstract void Restore(string path, Func<bool> survives);
}

/// <summary>A file: what is durable, and writes that may or may not reach the disk, each by itself and in any order.</summary>
internal sealed class DiskFile : DiskNode
{
    private readonly List<(long Position, byte[] Bytes)> _pending = [];
    private byte[] _durable = [];

    public DiskFile(params byte[] durable) => _durable = durable;

    public void Write(long position, byte[] bytes) => _pending.Add((position, bytes));

    public override void Sync()
    {
        _durable = Apply(() => true);
        _pending.Clear();
    }

    public override void Restore(string path, Func<bool> survives) => File.WriteAllBytes(path, Apply(survives));

    private byte[] Apply(Func<bool> survives)
    {
        byte[] content = _durable.ToArray();
        foreach (var (position, bytes) in _pending)
        {
            if (!survives())
            {
                continue;
            }

            if (content.Length < position + bytes.Length)
            {
                Array.Resize(ref content, (int)position + bytes.Length);
            }

            bytes.CopyTo(content, position);
        }
        return content;
    }
}

/// <summary>A folder: its durable entries, and changes of entries that may or may not reach the disk.</summary>
internal sealed class DiskFolder : DiskNode
{
    private readonly List<Action<Dictionary<string, DiskNode>>> _pending = [];
    private Dictionary<string, DiskNode> _durable = [];

    /// <summary>The entries as the running program sees them.</summary>
    public Dictionary<string, DiskNode> Entries { get; } = [];

    public void Change(Action<Dictionary<string, DiskNode>> change)
    {
        change(Entries);
        _pending.Add(change);
    }

    public override void Sync()
    {
        _durable = new(Entries);
        _pending.Clear();
    }

    public override void Restore(string path, Func<bool> survives)
    {
        Directory.CreateDirectory(path);
        var entries = new Dictionary<string, DiskNode>(_durable);
        foreach (var change in _pending)
        {
            if (survives())
            {
                change(entries);
            }
        }
        foreach (var (name, node) in entries)
        {
            node.Restore(Path.Combine(path, name), survives);
        }
    }
}

/// <summary>
/// A model of a disk that keeps, after a loss of power, what was made durable and an arbitrary part of the rest. Synchronising a file
/// does not make its name durable, nor the other way round.
/// </summary>
internal sealed class PowerLossDisk
{
    private readonly DiskFolder _root = new();

    /// <summary>Whether a request to make something durable is honoured; a disk that lies must fail the tests.</summary>
    public bool Honest { get; init; } = true;

    public static PowerLossDisk From(string path, bool honest = true)
    {
        var disk = new PowerLossDisk { Honest = honest };
        Load(path, disk._root);
        return disk;
    }

    public void Link(string path, DiskNode node) => Change(path, (entries, name) => entries[name] = node);

    public void Unlink(string path) => Change(path, (entries, name) => entries.Remove(name));

    public void Rename(string from, string to)
    {
        string target = Path.GetFileName(to);
        Change(from, (entries, name) =>
        {
            if (entries.Remove(name, out var node))
            {
                entries[target] = node;
            }
        });
    }

    public void Write(string path, long position, byte[] bytes) => ((DiskFile)Find(path)).Write(position, bytes);

    public void Sync(string path)
    {
        if (Honest)
        {
            Find(path).Sync();
        }
    }

    public void LosePower(string path, Func<bool> survives) => _root.Restore(path, survives);

    private void Change(string path, Action<Dictionary<string, DiskNode>, string> change)
    {
        string name = Path.GetFileName(path);
        ((DiskFolder)Find(Path.GetDirectoryName(path)!)).Change(entries => change(entries, name));
    }

    private DiskNode Find(string path) => path.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries)
        .Where(part => part != ".").Aggregate((DiskNode)_root, (node, part) => ((DiskFolder)node).Entries[part]);

    private static void Load(string path, DiskFolder folder)
    {
        foreach (string file in Directory.GetFiles(path))
        {
            folder.Entries[Path.GetFileName(file)] = new DiskFile(File.ReadAllBytes(file));
        }

        foreach (string child in Directory.GetDirectories(path))
        {
            var node = new DiskFolder();
            folder.Entries[Path.GetFileName(child)] = node;
            Load(child, node);
        }
        folder.Sync();
    }
}
