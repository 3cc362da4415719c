// What every kernel file starts from. Kernels include no CUDA header: NVRTC alone compiles them, and so does the emulated compiler of the
// tests. Instructions in PTX live in mma.cuh and async_copy.cuh only, where the tests put C++ of the same meaning in their place.
//
// Conventions: a kernel is extern "C" and named op_pass; its outputs come first, then its inputs, then numbers. Sizes are `long long`
// where a tensor's elements are counted, `int` else; flags are `int`.
#pragma once

typedef unsigned int u32;
typedef unsigned long long u64;

#define KERNEL extern "C" __global__ void

constexpr u32 AllLanes = 0xffffffffu;

__device__ __forceinline__ constexpr int ceilDivide(int a, int b) { return (a + b - 1) / b; }

// σ(x), to a few units in the last place, also where e^−x overflows: 1/∞ is 0. The quick division has no slow path, whose call would cost
// the kernels around it registers.
__device__ __forceinline__ float sigmoid(float x) { return __fdividef(1.0f, 1.0f + expf(-x)); }

// x·σ(x)
__device__ __forceinline__ float silu(float x) { return x * sigmoid(x); }

// d silu/dx = σ(x)·(1 + x·(1 − σ(x)))
__device__ __forceinline__ float siluGradient(float x) {
    float s = sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
}
