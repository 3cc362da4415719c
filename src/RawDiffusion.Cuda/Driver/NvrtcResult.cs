namespace RawDiffusion.Cuda.Driver;

/// <summary>NVRTC's return codes that this project acts on.</summary>
internal enum NvrtcResult
{
    Success = 0,
    OutOfMemory = 1,
    InvalidOption = 5,
    Compilation = 6,
    BuiltinOperationFailure = 7,
}
