namespace RawDiffusion.Cuda.Driver;

/// <summary>CUfunction_attribute, as far as it is asked for.</summary>
internal enum CuFunctionAttribute
{
    SharedSizeBytes = 1,
    MaxDynamicSharedSizeBytes = 8,
}
