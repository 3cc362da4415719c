using RawDiffusion.Storage;

namespace RawDiffusion.UnitTests.Storage;

/// <summary>The end of the process, as far as a test can play it: no code of the program knows this exception.</summary>
internal sealed class KilledException : Exception;

/// <summary>
/// The disk, until the operation of a given number; that one fails (a write after half of its bytes), and so may all after it.
/// Synchronising is counted but left out, since it would be most of the tests' time and a process that ends loses nothing by it.
/// </summary>
/// <param name="failAt">Number of the failing operation, from 0.</param>
/// <param name="fault">What it throws.</param>
/// <param name="fails">Which operations from there on fail, by their names; the failing one only where null.</param>
internal sealed class FaultyFileSystem(int failAt, Func<Exception> fault, Func<string, bool>? fails = null) : IFileSystem
{
    private static readonly DiskFileSystem Disk = DiskFileSystem.Instance;
    private int _operation;

    public bool HasFailed { get; private set; }

    /// <summary>A disk that never fails and never synchronises.</summary>
    public static FaultyFileSystem Sound() => KilledAt(int.MaxValue);

    public static FaultyFileSystem KilledAt(int operation) => new(operation, () => new KilledException(), _ => true);

    public static FaultyFileSystem FullFrom(int operation) =>
        new(operation, () => new IOException("No space left on device"), name => name is nameof(Create) or nameof(Stream.Write) or nameof(CreateFolder));

    public void CreateFolder(string path) => Do(nameof(CreateFolder), () => Disk.CreateFolder(path));

    public Stream Create(string path)
    {
        Do(nameof(Create), () => { });
        return new FaultyStream(this, Disk.Create(path));
    }

    public Stream Append(string path)
    {
        Do(nameof(Append), () => { });
        return new FaultyStream(this, Disk.Append(path));
    }

    public void Sync(Stream file) => Do(nameof(Sync), () => { });

    public void SyncFolder(string path) => Do(nameof(SyncFolder), () => { });

    public void RenameFolder(string from, string to) => Do(nameof(RenameFolder), () => Disk.RenameFolder(from, to));

    public void ReplaceFile(string from, string to) => Do(nameof(ReplaceFile), () => Disk.ReplaceFile(from, to));

    public void DeleteFile(string path) => Do(nameof(DeleteFile), () => Disk.DeleteFile(path));

    public void DeleteFolder(string path) => Do(nameof(DeleteFolder), () => Disk.DeleteFolder(path));

    private void Do(string name, Action action)
    {
        if (Fails(name))
        {
            throw Fault();
        }

        action();
    }

    private Exception Fault() => fault();

    private bool Fails(string name)
    {
        int number = _operation++;
        bool now = fails is null ? number == failAt : number >= failAt && fails(name);
        HasFailed |= now;
        return now;
    }

    private sealed class FaultyStream(FaultyFileSystem owner, Stream inner) : Stream
    {
        public override bool CanRead => inner.CanRead;

        public override bool CanSeek => inner.CanSeek;

        public override bool CanWrite => true;

        public override long Length => inner.Length;

        public override long Position { get => inner.Position; set => inner.Position = value; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            bool fails = owner.Fails(nameof(Write));
            inner.Write(fails ? buffer[..(buffer.Length / 2)] : buffer);
            inner.Flush();
            if (fails)
            {
                throw owner.Fault();
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

        public override void SetLength(long value) => inner.SetLength(value);

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
