// cuBLAS's matrix products as loops, column-major as there. Factors are rounded as the compute type says; sums are in float32, one product
// after the other.
#include "emulator.h"
#include <algorithm>
#include <cstring>

enum cublasStatus : int { CUBLAS_STATUS_SUCCESS = 0, CUBLAS_STATUS_NOT_INITIALIZED = 1, CUBLAS_STATUS_ALLOC_FAILED = 3, CUBLAS_STATUS_INVALID_VALUE = 7, CUBLAS_STATUS_EXECUTION_FAILED = 13, CUBLAS_STATUS_NOT_SUPPORTED = 15 };
enum { Float32 = 0, BFloat16 = 14, Compute32F = 68, FastTf32 = 77, MathTf32 = 3 };

struct Handle {
    Stream* stream = nullptr;
    uintptr_t workspace = 0;                        // the caller's; cuBLAS's own is not emulated, as products then need not repeat their bits
    size_t workspaceBytes = 0;
    int mathMode = 0;
};

static std::set<Handle*> handles;

#define HANDLE(pointer) \
    std::lock_guard<std::recursive_mutex> guard(driverLock()); \
    auto* handle = (Handle*)pointer; \
    if (!handles.count(handle) || !primary.references || current != primary.generation) return CUBLAS_STATUS_NOT_INITIALIZED

EXPORT cublasStatus cublasCreate_v2(void** result) {
    std::lock_guard<std::recursive_mutex> guard(driverLock());
    if (primary.lost != CUDA_SUCCESS || !primary.references || current != primary.generation) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (refuseInStrictCapture("cublasCreate") || allocationFails()) return CUBLAS_STATUS_ALLOC_FAILED;
    auto* handle = new Handle;
    handles.insert(handle);
    *result = handle;
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus cublasDestroy_v2(void* pointer) {
    HANDLE(pointer);
    handles.erase(handle);
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT const char* cublasGetStatusName(cublasStatus status) {
    switch (status) {
        case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
        case CUBLAS_STATUS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
        case CUBLAS_STATUS_ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
        case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
        case CUBLAS_STATUS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
        default: return "CUBLAS_STATUS_NOT_SUPPORTED";
    }
}

// In NVIDIA's own words, which do not have the name in them.
EXPORT const char* cublasGetStatusString(cublasStatus status) {
    switch (status) {
        case CUBLAS_STATUS_NOT_INITIALIZED: return "the library was not initialized";
        case CUBLAS_STATUS_ALLOC_FAILED: return "the resource allocation failed";
        case CUBLAS_STATUS_INVALID_VALUE: return "an unsupported value or parameter was passed to the function";
        case CUBLAS_STATUS_EXECUTION_FAILED: return "the function failed to launch on the GPU";
        default: return "the requested functionality is not supported";
    }
}

EXPORT cublasStatus cublasSetStream_v2(void* pointer, void* stream) {
    HANDLE(pointer);
    handle->stream = streamOf(stream);
    handle->workspace = handle->workspaceBytes = 0;         // as documented: cuBLAS's own again
    return handle->stream ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

EXPORT cublasStatus cublasSetWorkspace_v2(void* pointer, uintptr_t workspace, size_t bytes) {
    HANDLE(pointer);
    if (workspace % 256 != 0 || !arenaContains(workspace, bytes)) return CUBLAS_STATUS_INVALID_VALUE;
    handle->workspace = workspace;
    handle->workspaceBytes = bytes;
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus cublasSetMathMode(void* pointer, int mode) {
    HANDLE(pointer);
    if (mode < 0 || mode > 3) return CUBLAS_STATUS_INVALID_VALUE;
    handle->mathMode = mode;
    return CUBLAS_STATUS_SUCCESS;
}

static float roundTo(float value, int dropped) {    // to nearest, ties to even, with so many mantissa bits fewer
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7f800000) == 0x7f800000) return value;
    bits += (1u << (dropped - 1)) - 1 + (bits >> dropped & 1);
    bits &= ~((1u << dropped) - 1);
    memcpy(&value, &bits, sizeof bits);
    return value;
}

struct Matrix {
    uintptr_t address;
    int type, leading;
    bool transposed;

    size_t size() const { return type == BFloat16 ? 2 : 4; }
    size_t bytes(int rows, int columns) const { return ((size_t)leading * ((transposed ? rows : columns) - 1) + (transposed ? columns : rows)) * size(); }
    float at(int row, int column) const {
        size_t i = transposed ? column + (size_t)leading * row : row + (size_t)leading * column;
        if (type == Float32) return ((const float*)address)[i];
        uint32_t bits = (uint32_t)((const uint16_t*)address)[i] << 16;
        float value;
        memcpy(&value, &bits, sizeof bits);
        return value;
    }
    void set(int row, int column, float value) const {
        size_t i = row + (size_t)leading * column;
        if (type == Float32) {
            ((float*)address)[i] = value;
        } else {
            float rounded = roundTo(value, 16);
            uint32_t bits;
            memcpy(&bits, &rounded, sizeof bits);
            ((uint16_t*)address)[i] = uint16_t(bits >> 16);
        }
    }
};

static CUresult multiply(int m, int n, int k, float alpha, Matrix a, Matrix b, float beta, Matrix c, bool tf32) {
    struct { const char* name; const Matrix& matrix; int rows, columns; } all[] = {{"A", a, m, k}, {"B", b, k, n}, {"C", c, m, n}};
    for (const auto& [name, matrix, rows, columns] : all) {
        size_t bytes = matrix.bytes(rows, columns);
        if (!arenaContains(matrix.address, bytes)) {
            return explain(CUDA_ERROR_ILLEGAL_ADDRESS, "cuBLAS: %s of %d by %d elements takes %zu bytes at %s", name, rows, columns, bytes, arenaDescribe(matrix.address).c_str());
        }
    }
    std::vector<float> column(m);
    std::vector<float> left((size_t)m * k);         // A by columns, rounded
    for (int p = 0; p < k; p++) {
        for (int i = 0; i < m; i++) left[(size_t)p * m + i] = tf32 ? roundTo(a.at(i, p), 13) : a.at(i, p);
    }
    for (int j = 0; j < n; j++) {
        std::fill(column.begin(), column.end(), 0.0f);
        for (int p = 0; p < k; p++) {
            float factor = tf32 ? roundTo(b.at(p, j), 13) : b.at(p, j);
            for (int i = 0; i < m; i++) column[i] += left[(size_t)p * m + i] * factor;
        }
        for (int i = 0; i < m; i++) c.set(i, j, alpha * column[i] + (beta == 0 ? 0.0f : beta * c.at(i, j)));
    }
    return CUDA_SUCCESS;
}

EXPORT cublasStatus cublasGemmStridedBatchedEx(
    void* pointer, int transposeA, int transposeB, int m, int n, int k, const float* alpha, uintptr_t a, int typeA, int lda, long long strideA,
    uintptr_t b, int typeB, int ldb, long long strideB, const float* beta, uintptr_t c, int typeC, int ldc, long long strideC, int batches, int compute, int) {
    HANDLE(pointer);
    if (primary.lost != CUDA_SUCCESS) return CUBLAS_STATUS_EXECUTION_FAILED;
    bool known = (typeA == Float32 || typeA == BFloat16) && typeA == typeB && (typeC == Float32 || typeC == typeA) && (compute == Compute32F || compute == FastTf32);
    if (!known) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (m < 1 || n < 1 || k < 1 || batches < 1 || lda < (transposeA ? k : m) || ldb < (transposeB ? n : k) || ldc < m) return CUBLAS_STATUS_INVALID_VALUE;
    if ((a | b) % (typeA == BFloat16 ? 2 : 4) || c % (typeC == BFloat16 ? 2 : 4)) return CUBLAS_STATUS_INVALID_VALUE;
    if (!handle->stream || !handle->workspace) return CUBLAS_STATUS_NOT_SUPPORTED;
    // cuBLAS chooses a kernel by extents and types, and brings it to the GPU when it is first launched.
    Product product{transposeA, transposeB, m, n, k, batches, typeA, typeC, compute, handle->mathMode};
    if (!primary.products.count(product)) {
        if (handle->stream->capture && loadBreaksCaptures("the kernel of a matrix product")) return CUBLAS_STATUS_EXECUTION_FAILED;
        primary.products.insert(product);
    }
    bool tf32 = typeA == Float32 && (compute == FastTf32 || handle->mathMode == MathTf32);
    CUresult result = enqueue(handle->stream, [=, workspace = handle->workspace, bytes = handle->workspaceBytes, alpha = *alpha, beta = *beta] {
        if (CUresult fault = launchFault("cublasGemm")) return fault;
        if (!arenaContains(workspace, bytes)) return explain(CUDA_ERROR_ILLEGAL_ADDRESS, "cuBLAS: the workspace was freed");
        memset((void*)workspace, 0xFF, std::min(bytes, size_t(4096)));      // whoever else counts on its content will see
        for (int i = 0; i < batches; i++) {
            auto at = [&](uintptr_t base, int type, long long stride) { return base + (uintptr_t)(i * stride * (type == BFloat16 ? 2 : 4)); };
            Matrix left{at(a, typeA, strideA), typeA, lda, transposeA != 0}, right{at(b, typeB, strideB), typeB, ldb, transposeB != 0}, result{at(c, typeC, strideC), typeC, ldc, false};
            if (CUresult error = multiply(m, n, k, alpha, left, right, beta, result, tf32)) return error;
        }
        return CUDA_SUCCESS;
    });
    return result == CUDA_SUCCESS ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

EXPORT cublasStatus cublasGemmEx(
    void* pointer, int transposeA, int transposeB, int m, int n, int k, const float* alpha, uintptr_t a, int typeA, int lda,
    uintptr_t b, int typeB, int ldb, const float* beta, uintptr_t c, int typeC, int ldc, int compute, int algorithm) {
    return cublasGemmStridedBatchedEx(pointer, transposeA, transposeB, m, n, k, alpha, a, typeA, lda, 0, b, typeB, ldb, 0, beta, c, typeC, ldc, 0, 1, compute, algorithm);
}
