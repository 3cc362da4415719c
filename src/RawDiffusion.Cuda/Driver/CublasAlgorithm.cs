namespace RawDiffusion.Cuda.Driver;

/// <summary>cublasGemmAlgo_t: the library chooses by its own rule, which depends on nothing but shapes and the chip.</summary>
internal enum CublasAlgorithm
{
    Default = -1,
}
