namespace RawDiffusion.Cuda.Driver;

/// <summary>CUdevice_attribute, as far as it is asked for.</summary>
internal enum CuDeviceAttribute
{
    MultiprocessorCount = 16,
    L2CacheSize = 38,
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76,
    MaxSharedMemoryPerBlockOptin = 97,
}
