using RawDiffusion.Core;

namespace RawDiffusion.Trainer.Terminal;

/// <summary>Standard output or error, of which a full disk behind it, or nobody who reads it, is no fault of the program.</summary>
/// <param name="inner">The stream of the system.</param>
/// <param name="isData">Whether what is written is what was asked for: then a failure ends the program; otherwise it is talk, and is lost.</param>
internal sealed class StandardStream(Stream inner, bool isData) : Stream
{
    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Has the console write through streams of this kind.</summary>
    public static void Install()
    {
        Console.SetOut(new StreamWriter(new StandardStream(Console.OpenStandardOutput(), isData: true), Console.OutputEncoding) { AutoFlush = true });
        Console.SetError(new StreamWriter(new StandardStream(Console.OpenStandardError(), isData: false), Console.OutputEncoding) { AutoFlush = true });
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            inner.Write(buffer);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fail(e);
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        try
        {
            inner.Flush();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fail(e);
        }
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    private void Fail(Exception e)
    {
        if (isData)
        {
            throw new StorageException($"Standard output cannot be written to ({(e is IOException ? e.Message.TrimEnd('.') : "it is closed")}). What was to be " +
                "printed there is lost; images and other files are written all the same. Make room where it goes, or send it elsewhere.", e);
        }
    }
}
