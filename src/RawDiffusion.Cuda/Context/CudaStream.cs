using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Cuda;

/// <summary>A queue of GPU work: what is put in runs in order, and later than the call that put it in.</summary>
internal sealed class CudaStream : IDisposable
{
    private const uint NonBlocking = 1;
    private readonly DriverHandle _handle;

    public CudaStream(CudaContext context)
    {
        Context = context;
        context.Enter();
        context.Check(CudaDriver.cuStreamCreate(out nint stream, NonBlocking), "cuStreamCreate");
        _handle = context.Own(stream, s => CudaDriver.cuStreamDestroy(s));
    }

    public CudaContext Context { get; }

    /// <summary>The driver's pointer.</summary>
    public nint Value => _handle.Value;

    /// <summary>Takes the times of what is put in; null for none, which is usual.</summary>
    public LaunchTrace? Trace { get; set; }

    /// <summary>Copies pinned host memory to the device. The source must stand until the copy has run.</summary>
    public void CopyFromPinned(nint pinned, nint target, long bytes)
    {
        Context.Enter();
        Trace?.Begin("upload");
        Context.Check(CudaDriver.cuMemcpyHtoDAsync(target, pinned, (nuint)bytes, Value), $"cuMemcpyHtoDAsync({bytes} bytes to 0x{target:x})");
    }

    /// <summary>Copies device memory to pinned host memory, which may be read after a wait.</summary>
    public void CopyToPinned(nint source, nint pinned, long bytes)
    {
        Context.Enter();
        Trace?.Begin("download");
        Context.Check(CudaDriver.cuMemcpyDtoHAsync(pinned, source, (nuint)bytes, Value), $"cuMemcpyDtoHAsync({bytes} bytes from 0x{source:x})");
    }

    /// <summary>Copies device memory to device memory.</summary>
    public void Copy(nint source, nint target, long bytes)
    {
        Context.Enter();
        Trace?.Begin("copy");
        Context.Check(CudaDriver.cuMemcpyDtoDAsync(target, source, (nuint)bytes, Value), $"cuMemcpyDtoDAsync({bytes} bytes from 0x{source:x} to 0x{target:x})");
    }

    /// <summary>Sets bytes of device memory.</summary>
    public void Fill(nint target, long bytes, byte value)
    {
        Context.Enter();
        Trace?.Begin("fill");
        Context.Check(CudaDriver.cuMemsetD8Async(target, value, (nuint)bytes, Value), $"cuMemsetD8Async({bytes} bytes at 0x{target:x})");
    }

    /// <summary>Has work put in from here on wait for what was put into another stream before its event.</summary>
    public void Wait(CudaEvent happening)
    {
        Context.Enter();
        Context.Check(CudaDriver.cuStreamWaitEvent(Value, happening.Value, 0), "cuStreamWaitEvent");
    }

    /// <summary>Waits on the host until everything put in has run.</summary>
    public void Synchronize()
    {
        Context.Enter();
        Context.Check(CudaDriver.cuStreamSynchronize(Value), "cuStreamSynchronize");
    }

    public void Dispose() => _handle.Dispose();
}
