namespace RawDiffusion.Cuda;

/// <summary>
/// Pinned memory between the program's arrays and the GPU. Uploads return as soon as the bytes are staged: a ring of segments, each of
/// which is used again only after its copies have run. Downloads wait.
/// </summary>
internal sealed class StagingBuffer : IDisposable
{
    private const int SegmentBytes = 1 << 20, Segments = 4;

    private readonly Segment[] _uploads = new Segment[Segments], _downloads = new Segment[2];
    private int _current, _used;

    public StagingBuffer(CudaContext context)
    {
        try
        {
            foreach (var segments in (Segment[][])[_uploads, _downloads])
            {
                for (int i = 0; i < segments.Length; i++)
                {
                    segments[i] = new Segment(context);
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Copies bytes to the device, in the stream's order; the source may change at once.</summary>
    public void Upload(ReadOnlySpan<byte> source, nint target, CudaStream stream)
    {
        while (!source.IsEmpty)
        {
            if (_used == SegmentBytes)
            {
                _uploads[_current].Copied.Record(stream);
                _current = (_current + 1) % Segments;
                _uploads[_current].Copied.Synchronize();
                _used = 0;
            }
            var memory = _uploads[_current].Memory;
            int bytes = Math.Min(source.Length, SegmentBytes - _used);
            source[..bytes].CopyTo(memory.Content[_used..]);
            stream.CopyFromPinned(memory.Address + _used, target, bytes);
            _used = Math.Min(SegmentBytes, (_used + bytes + 15) & ~15);
            target += bytes;
            source = source[bytes..];
        }
    }

    /// <summary>Copies bytes from the device, after all that was put into the stream before.</summary>
    public void Download(nint source, Span<byte> target, CudaStream stream)
    {
        // One segment is on its way while the one before is copied out.
        int chunks = (int)((target.Length + SegmentBytes - 1L) / SegmentBytes);
        for (int i = 0; i <= chunks; i++)
        {
            if (i < chunks)
            {
                var segment = _downloads[i % 2];
                stream.CopyToPinned(source + (nint)i * SegmentBytes, segment.Memory.Address, BytesOf(i, target.Length));
                segment.Copied.Record(stream);
            }
            if (i > 0)
            {
                var segment = _downloads[(i - 1) % 2];
                segment.Copied.Synchronize();
                int bytes = BytesOf(i - 1, target.Length);
                segment.Memory.Content[..bytes].CopyTo(target[((i - 1) * SegmentBytes)..]);
            }
        }
    }

    public void Dispose()
    {
        foreach (var segment in (Segment?[])[.. _uploads, .. _downloads])
        {
            segment?.Dispose();
        }
    }

    private static int BytesOf(int chunk, int total) => Math.Min(SegmentBytes, total - chunk * SegmentBytes);

    private sealed class Segment : IDisposable
    {
        public Segment(CudaContext context)
        {
            // First the smaller of the two, which is seldom refused.
            Copied = new CudaEvent(context);
            try
            {
                Memory = new PinnedMemory(context, SegmentBytes);
            }
            catch
            {
                Copied.Dispose();
                throw;
            }
        }

        public PinnedMemory Memory { get; }

        public CudaEvent Copied { get; }

        public void Dispose()
        {
            Memory.Dispose();
            Copied.Dispose();
        }
    }
}
