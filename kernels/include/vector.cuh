// Four floats at a time: 16-byte accesses where the addresses allow.
#pragma once
#include "common.cuh"

__device__ __forceinline__ bool isAligned16(const void* a, const void* b = nullptr, const void* c = nullptr, const void* d = nullptr) {
    return (((u64)a | (u64)b | (u64)c | (u64)d) & 15) == 0;
}

__device__ __forceinline__ float2 load2(const float* p) { return *reinterpret_cast<const float2*>(p); }
__device__ __forceinline__ float4 load4(const float* p) { return *reinterpret_cast<const float4*>(p); }
__device__ __forceinline__ void store4(float* p, float4 v) { *reinterpret_cast<float4*>(p) = v; }

__device__ __forceinline__ float& component(float4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

__device__ __forceinline__ float4 operator+(float4 a, float4 b) { return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }
__device__ __forceinline__ float4 operator-(float4 a, float4 b) { return make_float4(a.x - b.x, a.y - b.y, a.z - b.z, a.w - b.w); }
__device__ __forceinline__ float4 operator*(float4 a, float4 b) { return make_float4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w); }
__device__ __forceinline__ float4 operator*(float s, float4 a) { return make_float4(s * a.x, s * a.y, s * a.z, s * a.w); }

// The first `count` of four floats, by one access where `whole` (all four, aligned) says so; what is not there counts as zero.
__device__ __forceinline__ float4 load4(const float* p, int count, bool whole) {
    if (whole) return load4(p);
    float4 v = make_float4(p[0], 0, 0, 0);
    if (count > 1) v.y = p[1];
    if (count > 2) v.z = p[2];
    if (count > 3) v.w = p[3];
    return v;
}

__device__ __forceinline__ void store4(float* p, float4 v, int count, bool whole) {
    if (whole) {
        store4(p, v);
    } else {
        p[0] = v.x;
        if (count > 1) p[1] = v.y;
        if (count > 2) p[2] = v.z;
        if (count > 3) p[3] = v.w;
    }
}

// Runs an element-wise operation over four neighbouring elements per thread: whole vectors where all four exist and every address is
// aligned (a slice of a tensor need not be), single elements else.
//   four(i)   elements i to i + 3
//   one(i)    element i
template <class Four, class One>
__device__ __forceinline__ void forEachOfFour(long long count, bool aligned, Four four, One one) {
    long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * 4;
    if (aligned && i + 4 <= count) {
        four(i);
    } else {
        for (long long j = i; j < i + 4 && j < count; j++) one(j);
    }
}
