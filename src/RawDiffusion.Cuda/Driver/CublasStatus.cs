namespace RawDiffusion.Cuda.Driver;

/// <summary>cublasStatus_t, as far as this project acts on it.</summary>
internal enum CublasStatus
{
    Success = 0,
    NotInitialized = 1,
    AllocationFailed = 3,
    InvalidValue = 7,
    ExecutionFailed = 13,
}
