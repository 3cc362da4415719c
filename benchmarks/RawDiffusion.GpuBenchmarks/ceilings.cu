// What a GPU can do at most: arithmetic out of registers, as many independent chains as hide its latency. Each thread writes one number, so
// that nothing is left out. Blocks of 256 threads.
#include "common.cuh"
#include "mma.cuh"

constexpr int Chains = 8, Unrolled = 16;

// 2·Chains·Unrolled operations a thread and round.
KERNEL __launch_bounds__(256) ceiling_float32(float* out, float scale, float shift, int rounds) {
    float sums[Chains];
#pragma unroll
    for (int i = 0; i < Chains; i++) sums[i] = (float)(threadIdx.x + i);
    for (int round = 0; round < rounds; round++) {
#pragma unroll
        for (int step = 0; step < Unrolled; step++) {
#pragma unroll
            for (int i = 0; i < Chains; i++) sums[i] = sums[i] * scale + shift;
        }
    }
    float sum = 0;
#pragma unroll
    for (int i = 0; i < Chains; i++) sum += sums[i];
    out[(long long)blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

// 2·16·8·8·Chains operations a warp and round; bf16: twice that.
template <bool Bf16>
__device__ __forceinline__ void tensorCores(float* out, float scale, int rounds) {
    u32 a[4], b[2];
#pragma unroll
    for (int i = 0; i < 4; i++) a[i] = Bf16 ? packBf16(scale, scale) : toTf32(scale * (float)(threadIdx.x % 7 + i));
#pragma unroll
    for (int i = 0; i < 2; i++) b[i] = Bf16 ? packBf16(scale, -scale) : toTf32(scale * (float)(threadIdx.x % 5 - i));
    float sums[Chains][4];
#pragma unroll
    for (int i = 0; i < Chains; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) sums[i][j] = (float)(i + j);
    }
    for (int round = 0; round < rounds; round++) {
#pragma unroll
        for (int i = 0; i < Chains; i++) {
            if (Bf16) mmaBf16(sums[i], a, b);
            else mmaTf32(sums[i], a, b);
        }
    }
    float sum = 0;
#pragma unroll
    for (int i = 0; i < Chains; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) sum += sums[i][j];
    }
    out[(long long)blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

KERNEL __launch_bounds__(256) ceiling_tf32(float* out, float scale, int rounds) { tensorCores<false>(out, scale, rounds); }

KERNEL __launch_bounds__(256) ceiling_bf16(float* out, float scale, int rounds) { tensorCores<true>(out, scale, rounds); }
