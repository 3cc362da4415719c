// Attention's softmax and its gradient, in place, over rows of scores [rows, tokens]; the products are cuBLAS's.
// One warp per row, blocks of 128 threads; a row is read from memory once and from the cache after that.
#include "reduce.cuh"

// The warp's row, or −1 if there is none.
__device__ __forceinline__ long long warpRow(long long rows) {
    long long row = (long long)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    return row < rows ? row : -1;
}

// p = e^(p − largest) / Σ. 8 bytes per element.
KERNEL attention_softmax(float* p, int tokens, long long rows) {
    long long row = warpRow(rows);
    if (row < 0) return;
    p += row * tokens;
    int lane = threadIdx.x % 32;
    float largest = __uint_as_float(0xff800000u);   // −∞
    for (int i = lane; i < tokens; i += 32) largest = max(largest, p[i]);
    largest = warpMax(largest);
    float sum = 0;
    for (int i = lane; i < tokens; i += 32) sum += expf(p[i] - largest);
    float scale = 1.0f / warpSum(sum);
    for (int i = lane; i < tokens; i += 32) p[i] = expf(p[i] - largest) * scale;
}

// ds = p·(ds − Σ p·ds). 12 bytes per element.
KERNEL attention_softmax_backward(float* ds, const float* p, int tokens, long long rows) {
    long long row = warpRow(rows);
    if (row < 0) return;
    ds += row * tokens;
    p += row * tokens;
    int lane = threadIdx.x % 32;
    float dot = 0;
    for (int i = lane; i < tokens; i += 32) dot += p[i] * ds[i];
    dot = warpSum(dot);
    for (int i = lane; i < tokens; i += 32) ds[i] = p[i] * (ds[i] - dot);
}
