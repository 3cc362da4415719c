namespace RawDiffusion.Cuda.Driver;

/// <summary>What a return code means for the program.</summary>
internal static class CuResultExtensions
{
    /// <summary>Whether the context can do nothing any more after this code: every later call returns it again.</summary>
    public static bool IsSticky(this CuResult result) => result is
        CuResult.Deinitialized or CuResult.DeviceUnavailable or CuResult.InvalidContext or CuResult.EccUncorrectable or CuResult.NvlinkUncorrectable or
        CuResult.Contained or CuResult.IllegalAddress or CuResult.LaunchTimeout or CuResult.ContextIsDestroyed or CuResult.Assert or CuResult.HardwareStackError or
        CuResult.IllegalInstruction or CuResult.MisalignedAddress or CuResult.InvalidAddressSpace or CuResult.InvalidPc or CuResult.LaunchFailed or
        CuResult.TensorMemoryLeak or CuResult.MpsClientTerminated or CuResult.ExternalDevice or CuResult.Unknown;

    /// <summary>What to do about it.</summary>
    public static string Remedy(this CuResult result) => result switch
    {
        CuResult.OutOfMemory => "Use a smaller batch or a smaller network, or end other programs that use the GPU (nvidia-smi lists them).",
        CuResult.NoDevice => "No NVIDIA GPU is visible: see what nvidia-smi says and whether CUDA_VISIBLE_DEVICES hides it, or use the CPU.",
        CuResult.InvalidDevice => "There is no such GPU: nvidia-smi lists those there are, counted from 0.",
        CuResult.StubLibrary => "The library found is CUDA's link-time stub: take its folder out of LD_LIBRARY_PATH so that the driver's own libcuda is found.",
        CuResult.SystemDriverMismatch or CuResult.CompatNotSupportedOnDevice =>
            "The driver's kernel module and its library are of different versions: reboot, or reinstall the driver.",
        CuResult.InvalidImage or CuResult.NoBinaryForGpu or CuResult.InvalidPtx or CuResult.UnsupportedPtxVersion =>
            "The compiled kernels do not fit this GPU or driver: update the driver, or use an NVRTC that is not newer than it.",
        CuResult.LaunchOutOfResources => "The kernel asks for more registers or shared memory than this GPU has for one block.",
        CuResult.InvalidValue or CuResult.NotFound => "This is an error in RawDiffusion: please report it.",
        CuResult.StreamCaptureUnsupported or CuResult.StreamCaptureInvalidated =>
            "Something that cannot be part of a CUDA graph ran while one was recorded. Without graphs the same work runs kernel by kernel; please report it.",
        CuResult.EccUncorrectable or CuResult.NvlinkUncorrectable or CuResult.Contained =>
            "The GPU reports a hardware fault: see nvidia-smi -q and the system log. The last checkpoint is valid.",
        CuResult.DeviceUnavailable =>
            "Another program has the GPU to itself (nvidia-smi -q -d COMPUTE shows the mode), or the GPU has failed (see the system log). The last checkpoint is valid.",
        _ when result.IsSticky() => "The device is lost to this process; the last checkpoint is valid: resume from it. If it happens again, compute-sanitizer names the " +
            "access at fault.",
        _ => "See the driver's documentation of this code.",
    };
}
