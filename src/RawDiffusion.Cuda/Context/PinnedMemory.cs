using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Cuda;

/// <summary>Page-locked host memory, which the GPU copies from and to while the program goes on.</summary>
internal sealed class PinnedMemory : IDisposable
{
    private readonly DriverHandle _handle;

    public PinnedMemory(CudaContext context, int bytes)
    {
        context.Enter();
        context.Check(CudaDriver.cuMemHostAlloc(out nint address, (nuint)bytes, 0), $"cuMemHostAlloc({bytes} bytes)");
        Bytes = bytes;
        _handle = context.Own(address, a => CudaDriver.cuMemFreeHost(a));
    }

    /// <summary>The size.</summary>
    public int Bytes { get; }

    /// <summary>The host address.</summary>
    public nint Address => _handle.Value;

    /// <summary>The content. Not to be touched while a copy from or to it has not been waited for.</summary>
    public unsafe Span<byte> Content => new((void*)Address, Bytes);

    public void Dispose() => _handle.Dispose();
}
