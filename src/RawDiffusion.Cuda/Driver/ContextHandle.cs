using System.Runtime.InteropServices;

namespace RawDiffusion.Cuda.Driver;

/// <summary>The device's primary context, held until this handle and all that was made in it are gone.</summary>
internal sealed class ContextHandle : SafeHandle
{
    private readonly int _device;

    public ContextHandle(nint context, int device) : base(0, ownsHandle: true)
    {
        _device = device;
        SetHandle(context);
    }

    public override bool IsInvalid => handle == 0;

    public nint Value => handle;

    protected override bool ReleaseHandle() => CudaDriver.cuDevicePrimaryCtxRelease(_device) == CuResult.Success;
}
