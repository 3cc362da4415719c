// Operations on the elements of samples, [N, …]: four neighbouring elements of one sample per thread, which is what a block of random
// numbers serves. Launched over N · ⌈elements per sample / 4⌉ threads, which fit into 32 bits.
#pragma once
#include "vector.cuh"

// Where a thread's elements are.
struct Quad {
    u32 sample, block;                              // elements 4·block to 4·block + count − 1 of the sample
    long long at;                                   // the first of them in the tensor
    int count;                                      // 1 to 4
    bool whole;                                     // four, whose addresses are aligned to 16 bytes in every tensor
};

// body(quad)   on threads that have elements
template <class Body>
__device__ __forceinline__ void forEachQuad(int samples, long long perSample, bool aligned, Body body) {
    u32 blocks = (u32)((perSample + 3) / 4), i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= (u32)samples * blocks) return;
    u32 sample = i / blocks, block = i % blocks;
    long long first = 4ll * block;
    int count = (int)min(4ll, perSample - first);
    body(Quad{sample, block, sample * perSample + first, count, aligned && perSample % 4 == 0});
}
