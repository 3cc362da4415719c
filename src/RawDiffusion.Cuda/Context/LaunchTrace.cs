namespace RawDiffusion.Cuda;

/// <summary>
/// Times each launch, copy and fill that is put into a stream while it is the stream's <see cref="CudaStream.Trace"/>: from the end of what
/// stood before it to its own end, so waiting for the host counts, too. It costs an event a piece. What a graph replays is not seen.
/// </summary>
internal sealed class LaunchTrace(CudaStream stream) : IDisposable
{
    private readonly List<(string Name, CudaEvent Start)> _pieces = [];

    /// <summary>Says that what is put in next is of this name.</summary>
    public void Begin(string name)
    {
        var start = new CudaEvent(stream.Context, timing: true);
        _pieces.Add((name, start));
        start.Record(stream);
    }

    /// <summary>Waits for all of it, and gives the milliseconds of each piece, in order.</summary>
    /// <exception cref="Core.DeviceException">Something of it failed.</exception>
    public IReadOnlyList<(string Name, double Milliseconds)> End()
    {
        Begin("end");
        stream.Synchronize();
        return [.. _pieces.Zip(_pieces.Skip(1), (piece, next) => (piece.Name, next.Start.MillisecondsSince(piece.Start)))];
    }

    public void Dispose() => _pieces.ForEach(p => p.Start.Dispose());
}
