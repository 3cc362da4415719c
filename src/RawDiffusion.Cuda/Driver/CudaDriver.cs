using System.Runtime.InteropServices;

namespace RawDiffusion.Cuda.Driver;

/// <summary>
/// The functions of the CUDA driver in use, under their C names; where the library exports a versioned name (<c>_v2</c>) the entry point
/// says so. Handles are plain pointers here and wrapped one level up.
/// </summary>
internal static unsafe partial class CudaDriver
{
    private const string Library = NativeLibraries.DriverName;

    [LibraryImport(Library)]
    public static partial CuResult cuInit(uint flags);

    [LibraryImport(Library)]
    public static partial CuResult cuDriverGetVersion(out int version);

    [LibraryImport(Library)]
    public static partial CuResult cuGetErrorName(CuResult error, out byte* name);

    [LibraryImport(Library)]
    public static partial CuResult cuGetErrorString(CuResult error, out byte* text);

    [LibraryImport(Library)]
    public static partial CuResult cuDeviceGetCount(out int count);

    [LibraryImport(Library)]
    public static partial CuResult cuDeviceGet(out int device, int ordinal);

    [LibraryImport(Library)]
    public static partial CuResult cuDeviceGetName(byte* name, int length, int device);

    [LibraryImport(Library)]
    public static partial CuResult cuDeviceGetAttribute(out int value, CuDeviceAttribute attribute, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceTotalMem_v2")]
    public static partial CuResult cuDeviceTotalMem(out nuint bytes, int device);

    [LibraryImport(Library)]
    public static partial CuResult cuDevicePrimaryCtxRetain(out nint context, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    public static partial CuResult cuDevicePrimaryCtxRelease(int device);

    [LibraryImport(Library)]
    public static partial CuResult cuCtxSetCurrent(nint context);

    [LibraryImport(Library, EntryPoint = "cuMemGetInfo_v2")]
    public static partial CuResult cuMemGetInfo(out nuint free, out nuint total);

    [LibraryImport(Library, EntryPoint = "cuMemAlloc_v2")]
    public static partial CuResult cuMemAlloc(out nint address, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemFree_v2")]
    public static partial CuResult cuMemFree(nint address);

    [LibraryImport(Library)]
    public static partial CuResult cuMemHostAlloc(out nint address, nuint bytes, uint flags);

    [LibraryImport(Library)]
    public static partial CuResult cuMemFreeHost(nint address);

    [LibraryImport(Library, EntryPoint = "cuMemcpyHtoDAsync_v2")]
    public static partial CuResult cuMemcpyHtoDAsync(nint target, nint source, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoHAsync_v2")]
    public static partial CuResult cuMemcpyDtoHAsync(nint target, nint source, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoDAsync_v2")]
    public static partial CuResult cuMemcpyDtoDAsync(nint target, nint source, nuint bytes, nint stream);

    [LibraryImport(Library)]
    public static partial CuResult cuMemsetD8Async(nint target, byte value, nuint count, nint stream);

    [LibraryImport(Library)]
    public static partial CuResult cuStreamCreate(out nint stream, uint flags);

    [LibraryImport(Library, EntryPoint = "cuStreamDestroy_v2")]
    public static partial CuResult cuStreamDestroy(nint stream);

    [LibraryImport(Library)]
    public static partial CuResult cuStreamSynchronize(nint stream);

    [LibraryImport(Library)]
    public static partial CuResult cuStreamWaitEvent(nint stream, nint happening, uint flags);

    [LibraryImport(Library, EntryPoint = "cuStreamBeginCapture_v2")]
    public static partial CuResult cuStreamBeginCapture(nint stream, CuStreamCaptureMode mode);

    [LibraryImport(Library)]
    public static partial CuResult cuStreamEndCapture(nint stream, out nint graph);

    [LibraryImport(Library)]
    public static partial CuResult cuGraphGetNodes(nint graph, nint* nodes, ref nuint count);

    [LibraryImport(Library)]
    public static partial CuResult cuGraphInstantiateWithFlags(out nint executable, nint graph, ulong flags);

    [LibraryImport(Library)]
    public static partial CuResult cuGraphLaunch(nint executable, nint stream);

    [LibraryImport(Library)]
    public static partial CuResult cuGraphExecDestroy(nint executable);

    [LibraryImport(Library)]
    public static partial CuResult cuGraphDestroy(nint graph);

    [LibraryImport(Library)]
    public static partial CuResult cuEventCreate(out nint happening, uint flags);

    [LibraryImport(Library)]
    public static partial CuResult cuEventRecord(nint happening, nint stream);

    [LibraryImport(Library)]
    public static partial CuResult cuEventSynchronize(nint happening);

    [LibraryImport(Library)]
    public static partial CuResult cuEventElapsedTime(out float milliseconds, nint start, nint end);

    [LibraryImport(Library, EntryPoint = "cuEventDestroy_v2")]
    public static partial CuResult cuEventDestroy(nint happening);

    [LibraryImport(Library)]
    public static partial CuResult cuModuleLoadData(out nint module, byte* image);

    [LibraryImport(Library)]
    public static partial CuResult cuModuleUnload(nint module);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial CuResult cuModuleGetFunction(out nint function, nint module, string name);

    [LibraryImport(Library)]
    public static partial CuResult cuFuncGetAttribute(out int value, CuFunctionAttribute attribute, nint function);

    [LibraryImport(Library)]
    public static partial CuResult cuFuncSetAttribute(nint function, CuFunctionAttribute attribute, int value);

    /// <summary>Since CUDA 12.4; an older driver does not export it.</summary>
    [LibraryImport(Library)]
    public static partial CuResult cuFuncGetParamInfo(nint function, nuint index, out nuint offset, out nuint size);

    [LibraryImport(Library)]
    public static partial CuResult cuLaunchKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint sharedBytes, nint stream, nint* arguments, nint* extra);
}
