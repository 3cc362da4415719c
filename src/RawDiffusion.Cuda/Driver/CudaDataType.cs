namespace RawDiffusion.Cuda.Driver;

/// <summary>cudaDataType_t.</summary>
internal enum CudaDataType
{
    Float32 = 0,
    BFloat16 = 14,
}
