using System.Runtime.InteropServices;

namespace RawDiffusion.Cuda.Driver;

/// <summary>The functions of the run-time compiler NVRTC in use, under their C names. NVRTC needs no GPU and no driver.</summary>
internal static unsafe partial class Nvrtc
{
    private const string Library = NativeLibraries.NvrtcName;

    [LibraryImport(Library)]
    public static partial NvrtcResult nvrtcVersion(out int major, out int minor);

    [LibraryImport(Library)]
    public static partial byte* nvrtcGetErrorString(NvrtcResult result);

    [LibraryImport(Library)]
    public static partial NvrtcResult nvrtcGetNumSupportedArchs(out int count);

    [LibraryImport(Library)]
    public static partial NvrtcResult nvrtcGetSupportedArchs(int* architectures);

    [LibraryImport(Library)]
    public static partial NvrtcResult nvrtcCreateProgram(out nint program, byte* source, byte* name, int headerCount, byte** headers, byte** includeNames);

    [LibraryImport(Library)]
    public static partial NvrtcResult nvrtcDestroyProgram(ref nint program);

    [LibraryImport(Library)]
    public static partial NvrtcResult nvrtcCompileProgram(nint program, int optionCount, byte** options);

    [LibraryImport(Library)]
    public static partial NvrtcResult nvrtcGetCUBINSize(nint program, out nuint bytes);

    [LibraryImport(Library)]
    public static partial NvrtcResult nvrtcGetCUBIN(nint program, byte* image);

    [LibraryImport(Library)]
    public static partial NvrtcResult nvrtcGetProgramLogSize(nint program, out nuint bytes);

    [LibraryImport(Library)]
    public static partial NvrtcResult nvrtcGetProgramLog(nint program, byte* log);
}
