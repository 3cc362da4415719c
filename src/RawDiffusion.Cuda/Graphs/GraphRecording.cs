using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

/// <summary>What a graph holds on to: the pool's memory that was rented while it was recorded, and the host bytes that it uploads.</summary>
internal sealed class GraphRecording(CudaContext context, PoolReservation memory) : IDisposable
{
    private readonly List<PinnedMemory> _uploads = [];

    /// <summary>Records a copy of these very bytes to the device.</summary>
    public void Upload(ReadOnlySpan<byte> source, nint target, CudaStream stream)
    {
        var pinned = new PinnedMemory(context, source.Length);
        _uploads.Add(pinned);
        source.CopyTo(pinned.Content);
        stream.CopyFromPinned(pinned.Address, target, source.Length);
    }

    /// <summary>Ends the recording's rule over the pool; what it rented stays set aside.</summary>
    public void Seal() => memory.Seal();

    public void Dispose()
    {
        _uploads.ForEach(u => u.Dispose());
        memory.Dispose();
    }
}
