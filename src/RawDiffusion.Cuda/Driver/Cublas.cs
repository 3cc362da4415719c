using System.Runtime.InteropServices;

namespace RawDiffusion.Cuda.Driver;

/// <summary>The functions of cuBLAS in use, under their C names. Matrices are column-major there.</summary>
internal static unsafe partial class Cublas
{
    private const string Library = NativeLibraries.CublasName;

    [LibraryImport(Library, EntryPoint = "cublasCreate_v2")]
    public static partial CublasStatus cublasCreate(out nint handle);

    [LibraryImport(Library, EntryPoint = "cublasDestroy_v2")]
    public static partial CublasStatus cublasDestroy(nint handle);

    /// <summary>The code as the header spells it.</summary>
    [LibraryImport(Library)]
    public static partial byte* cublasGetStatusName(CublasStatus status);

    /// <summary>What the code means, in a sentence without the name.</summary>
    [LibraryImport(Library)]
    public static partial byte* cublasGetStatusString(CublasStatus status);

    [LibraryImport(Library, EntryPoint = "cublasSetStream_v2")]
    public static partial CublasStatus cublasSetStream(nint handle, nint stream);

    [LibraryImport(Library, EntryPoint = "cublasSetWorkspace_v2")]
    public static partial CublasStatus cublasSetWorkspace(nint handle, nint workspace, nuint bytes);

    [LibraryImport(Library)]
    public static partial CublasStatus cublasSetMathMode(nint handle, CublasMath mode);

    [LibraryImport(Library)]
    public static partial CublasStatus cublasGemmEx(
        nint handle, CublasOperation transposeA, CublasOperation transposeB, int m, int n, int k,
        void* alpha, nint a, CudaDataType typeA, int lda, nint b, CudaDataType typeB, int ldb,
        void* beta, nint c, CudaDataType typeC, int ldc, CublasComputeType compute, CublasAlgorithm algorithm);

    [LibraryImport(Library)]
    public static partial CublasStatus cublasGemmStridedBatchedEx(
        nint handle, CublasOperation transposeA, CublasOperation transposeB, int m, int n, int k,
        void* alpha, nint a, CudaDataType typeA, int lda, long strideA, nint b, CudaDataType typeB, int ldb, long strideB,
        void* beta, nint c, CudaDataType typeC, int ldc, long strideC, int batches, CublasComputeType compute, CublasAlgorithm algorithm);
}
