using System.Runtime.InteropServices;

namespace RawDiffusion.Cuda.Driver;

/// <summary>Something the driver made in a context: it keeps the context until it has been destroyed.</summary>
internal sealed class DriverHandle : SafeHandle
{
    private readonly ContextHandle _context;
    private readonly Action<nint> _destroy;

    /// <summary>Owns what the driver made.</summary>
    /// <param name="context">Where it was made.</param>
    /// <param name="value">The driver's pointer.</param>
    /// <param name="destroy">How to destroy it; errors mean that the context is lost and are of no use here.</param>
    public DriverHandle(ContextHandle context, nint value, Action<nint> destroy) : base(0, ownsHandle: true)
    {
        (_context, _destroy) = (context, destroy);
        bool added = false;
        context.DangerousAddRef(ref added);
        SetHandle(value);
    }

    public override bool IsInvalid => handle == 0;

    public nint Value => IsClosed ? throw new ObjectDisposedException(nameof(DriverHandle)) : handle;

    protected override bool ReleaseHandle()
    {
        // The driver destroys in the current context, and a finalizer's thread has none.
        _ = CudaDriver.cuCtxSetCurrent(_context.Value);
        _destroy(handle);
        _context.DangerousRelease();
        return true;
    }
}
