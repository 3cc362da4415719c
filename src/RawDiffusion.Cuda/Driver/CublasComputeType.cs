namespace RawDiffusion.Cuda.Driver;

/// <summary>cublasComputeType_t.</summary>
internal enum CublasComputeType
{
    Float32 = 68,
    Float32FastTf32 = 77,
}
