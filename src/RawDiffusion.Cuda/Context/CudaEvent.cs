using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Cuda;

/// <summary>A point in a stream's work that can be waited for and timed.</summary>
internal sealed class CudaEvent : IDisposable
{
    private const uint WithoutTiming = 2;
    private readonly CudaContext _context;
    private readonly DriverHandle _handle;

    public CudaEvent(CudaContext context, bool timing = false)
    {
        _context = context;
        context.Enter();
        context.Check(CudaDriver.cuEventCreate(out nint happening, timing ? 0 : WithoutTiming), "cuEventCreate");
        _handle = context.Own(happening, e => CudaDriver.cuEventDestroy(e));
    }

    /// <summary>The driver's pointer.</summary>
    public nint Value => _handle.Value;

    /// <summary>Marks the point after everything put into the stream so far.</summary>
    public void Record(CudaStream stream)
    {
        _context.Enter();
        _context.Check(CudaDriver.cuEventRecord(Value, stream.Value), "cuEventRecord");
    }

    /// <summary>Waits on the host until the point has been reached; at once if none was ever marked.</summary>
    public void Synchronize()
    {
        _context.Enter();
        _context.Check(CudaDriver.cuEventSynchronize(Value), "cuEventSynchronize");
    }

    /// <summary>Milliseconds on the GPU from an earlier event to this one; both made with timing, recorded and reached.</summary>
    public double MillisecondsSince(CudaEvent start)
    {
        _context.Enter();
        _context.Check(CudaDriver.cuEventElapsedTime(out float milliseconds, start.Value, Value), "cuEventElapsedTime");
        return milliseconds;
    }

    public void Dispose() => _handle.Dispose();
}
