using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RawDiffusion.Core;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Cuda;

/// <summary>
/// A GPU's primary context: checks what every driver call returns and remembers the first error that cannot be recovered from, after
/// which the device is lost and every call fails at once with that error.
/// </summary>
internal sealed unsafe class CudaContext : IDisposable
{
    private readonly ContextHandle _handle;

    public CudaContext(int ordinal)
    {
        NativeLibraries.Require(NativeLibraries.DriverName);
        Check(CudaDriver.cuInit(0), "cuInit");
        Check(CudaDriver.cuDeviceGetCount(out int count), "cuDeviceGetCount");
        if (ordinal < 0 || ordinal >= count)
        {
            throw new DeviceException($"There is no GPU of ordinal {ordinal}: the driver shows {count}, counted from 0. {CuResult.NoDevice.Remedy()}");
        }
        Check(CudaDriver.cuDeviceGet(out int device, ordinal), $"cuDeviceGet({ordinal})");
        Properties = CudaProperties.Read(this, ordinal, device);
        Check(CudaDriver.cuDevicePrimaryCtxRetain(out nint context, device), $"cuDevicePrimaryCtxRetain({ordinal})");
        _handle = new ContextHandle(context, device);
    }

    /// <summary>What the GPU is.</summary>
    public CudaProperties Properties { get; }

    /// <summary>The first error that ended this context; null while it works.</summary>
    public string? LostBecause { get; private set; }

    /// <summary>Gives back the GPU's memory that is only kept for later; set by the device once it has such memory.</summary>
    public Action MakeRoom { get; set; } = () => { };

    /// <summary>Whether a stream of this context records a graph: set by the device.</summary>
    public bool IsRecording { get; set; }

    /// <summary>Whether nothing can be brought to the GPU for now, because a stream records and the driver is too old to do both.</summary>
    public bool CannotLoadNow => IsRecording && !Properties.LoadsWhileRecording;

    /// <summary>What to do where <see cref="CannotLoadNow"/>.</summary>
    public string LoadingRemedy =>
        $"While a CUDA graph is recorded, this driver, for CUDA {Properties.CudaVersion}, cannot bring a kernel to the GPU that has not run before; drivers for CUDA " +
        "12.3 and later can. " +
        "Run the same work once before it is recorded, or update the driver.";

    /// <summary>Makes the context current on the calling thread.</summary>
    /// <exception cref="DeviceException">The device is lost.</exception>
    public void Enter()
    {
        if (LostBecause is not null)
        {
            throw new DeviceException($"{Properties.Name} was lost by an earlier error: {LostBecause}");
        }
        var result = CudaDriver.cuCtxSetCurrent(_handle.Value);
        if (result != CuResult.Success)
        {
            Fail(result, "cuCtxSetCurrent");
        }
    }

    /// <summary>Throws unless a driver call succeeded.</summary>
    /// <param name="result">What the call returned.</param>
    /// <param name="call">The call with its arguments, for the message; only put together when it failed.</param>
    /// <exception cref="DeviceException">It failed.</exception>
    public void Check(CuResult result, [InterpolatedStringHandlerArgument(nameof(result))] CallText call)
    {
        if (result != CuResult.Success)
        {
            Fail(result, call.ToString());
        }
    }

    /// <summary>Throws unless a driver call without arguments worth naming succeeded.</summary>
    public void Check(CuResult result, string call)
    {
        if (result != CuResult.Success)
        {
            Fail(result, call);
        }
    }

    /// <summary>Whether to make a call once more: it found no memory, and what was cached has now been given back.</summary>
    public bool MadeRoom(CuResult result)
    {
        if (result != CuResult.OutOfMemory)
        {
            return false;
        }
        MakeRoom();
        return true;
    }

    /// <summary>Has something that the driver made owned by a handle that keeps this context alive.</summary>
    public DriverHandle Own(nint value, Action<nint> destroy) => new(_handle, value, destroy);

    /// <summary>Free and total bytes of the GPU's memory, as the driver sees it: other programs' use counts.</summary>
    public (long Free, long Total) MemoryInfo()
    {
        Enter();
        Check(CudaDriver.cuMemGetInfo(out nuint free, out nuint total), "cuMemGetInfo");
        return ((long)free, (long)total);
    }

    /// <summary>Lets the context go once everything made in it is gone.</summary>
    public void Dispose() => _handle.Dispose();

    private void Fail(CuResult result, string call)
    {
        bool isUnloaded = result is CuResult.StreamCaptureUnsupported or CuResult.StreamCaptureInvalidated && CannotLoadNow;
        string message = $"{call} failed: {Describe(result)}. {(isUnloaded ? LoadingRemedy : result.Remedy())}";
        if (result.IsSticky())
        {
            LostBecause ??= message;
        }
        throw new DeviceException(message);
    }

    private static string Describe(CuResult result)
    {
        string name = CudaDriver.cuGetErrorName(result, out byte* nameText) == CuResult.Success ? Marshal.PtrToStringUTF8((nint)nameText)! : $"code {(int)result}";
        return CudaDriver.cuGetErrorString(result, out byte* text) == CuResult.Success ? $"{name} ({Marshal.PtrToStringUTF8((nint)text)})" : name;
    }
}
