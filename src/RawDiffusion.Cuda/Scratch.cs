using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

/// <summary>Device memory that is needed until a launch or a few have been put into the stream; by default none, at address 0.</summary>
internal readonly struct Scratch : IDisposable
{
    private readonly BufferPool? _pool;
    private readonly long _bytes;

    public Scratch(BufferPool pool, long bytes, string owner)
    {
        (_pool, _bytes) = (pool, bytes);
        Address = pool.Rent(bytes, owner);
    }

    /// <summary>Where the memory is.</summary>
    public nint Address { get; }

    // The stream runs in order: whoever gets this memory next uses it after the launches that are already in.
    public void Dispose() => _pool?.Return(Address, _bytes);

    public static implicit operator KernelArgument(Scratch scratch) => scratch.Address;
}
