// Sums over a warp and over a block in a fixed order: the same bits every time, and for any number of blocks.
#pragma once
#include "common.cuh"

template <class T>
__device__ __forceinline__ T warpSum(T value) {
#pragma unroll
    for (int distance = 16; distance > 0; distance >>= 1) value += __shfl_xor_sync(AllLanes, value, distance);
    return value;                                   // the same in every lane: a + b is b + a
}

template <class T>
__device__ __forceinline__ T warpMax(T value) {
#pragma unroll
    for (int distance = 16; distance > 0; distance >>= 1) value = max(value, __shfl_xor_sync(AllLanes, value, distance));
    return value;
}

// The sum over all threads, for every thread. All threads of the block call it; the block is one-dimensional, of whole warps, up to 1024.
template <class T>
__device__ __forceinline__ T blockSum(T value) {
    __shared__ T partial[32];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    value = warpSum(value);
    if (lane == 0) partial[warp] = value;
    __syncthreads();
    value = warpSum(lane < warps ? partial[lane] : T(0));
    __syncthreads();                                // the next call writes partial again
    return value;
}
