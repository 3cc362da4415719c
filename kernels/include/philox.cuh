// Philox 4×32-10 and the standard normal numbers made from it, bit for bit those of Core's Philox and Normal: every multiply-add that is
// fused there is fused here, and no other is (the intrinsics keep the compiler from fusing).
#pragma once
#include "common.cuh"

// Ten rounds of Philox (Salmon et al. 2011): the 128 bits that belong to a counter under a key.
__device__ __forceinline__ uint4 philox(uint4 counter, u64 key) {
    u32 k0 = (u32)key, k1 = (u32)(key >> 32);
#pragma unroll
    for (int round = 0; round < 10; round++) {
        u32 high0 = __umulhi(0xD2511F53u, counter.x), low0 = 0xD2511F53u * counter.x;
        u32 high1 = __umulhi(0xCD9E8D57u, counter.z), low1 = 0xCD9E8D57u * counter.z;
        counter = make_uint4(high1 ^ counter.y ^ k0, low1, high0 ^ counter.w ^ k1, low0);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return counter;
}

// Block `block` of a RandomStream for sample `sample`; position is its Int32 [2]: the step, and the index of the batch's first sample.
__device__ __forceinline__ uint4 streamBlock(u64 seed, u32 purpose, const int* position, u32 sample, u32 block) {
    return philox(make_uint4(block, (u32)position[1] + sample, (u32)position[0], purpose), seed);
}

// In [0, 1): the upper 24 bits times 2⁻²⁴.
__device__ __forceinline__ float uniform(u32 bits) { return __fmul_rn((float)(bits >> 8), 1.0f / (1 << 24)); }

// ln u for a positive normal u: exponent and mantissa in [√½, √2), then a polynomial in mantissa − 1.
__device__ __forceinline__ float normalLog(float u) {
    int bits = __float_as_int(u) - 0x3F3504F3;
    float exponent = (float)(bits >> 23);
    float f = __fadd_rn(__int_as_float((bits & 0x007FFFFF) + 0x3F3504F3), -1.0f);
    float p = 7.0376836292e-2f;
    p = __fmaf_rn(p, f, -1.1514610310e-1f);
    p = __fmaf_rn(p, f, 1.1676998740e-1f);
    p = __fmaf_rn(p, f, -1.2420140846e-1f);
    p = __fmaf_rn(p, f, 1.4249322787e-1f);
    p = __fmaf_rn(p, f, -1.6668057665e-1f);
    p = __fmaf_rn(p, f, 2.0000714765e-1f);
    p = __fmaf_rn(p, f, -2.4999993993e-1f);
    p = __fmaf_rn(p, f, 3.3333331174e-1f);
    float f2 = __fmul_rn(f, f);
    float y = __fmul_rn(f2, __fmul_rn(f, p));
    y = __fmaf_rn(exponent, -2.12194440e-4f, y);
    y = __fmaf_rn(-0.5f, f2, y);
    return __fmaf_rn(exponent, 0.693359375f, __fadd_rn(f, y));
}

// (sin 2πu, cos 2πu) for u = the upper 24 bits · 2⁻²⁴.
__device__ __forceinline__ float2 sineCosineOfTurns(u32 bits) {
    int turns = (int)(bits >> 8);
    int quadrant = (turns + (1 << 21)) >> 22;
    float x = __fmul_rn((float)(turns - (quadrant << 22)), (float)(3.14159265358979323846 / (1 << 23)));
    float x2 = __fmul_rn(x, x);
    float s = __fmaf_rn(-1.9515295891e-4f, x2, 8.3321608736e-3f);
    s = __fmaf_rn(s, x2, -1.6666654611e-1f);
    s = __fmaf_rn(__fmul_rn(s, x2), x, x);
    float c = __fmaf_rn(2.443315711809948e-5f, x2, -1.388731625493765e-3f);
    c = __fmaf_rn(c, x2, 4.166664568298827e-2f);
    c = __fmaf_rn(__fmul_rn(c, x2), x2, __fmaf_rn(-0.5f, x2, 1.0f));
    switch (quadrant & 3) {
        case 0: return make_float2(s, c);
        case 1: return make_float2(c, -s);
        case 2: return make_float2(-s, -c);
        default: return make_float2(-c, s);
    }
}

// Two independent standard normal numbers from 64 random bits (Box and Muller 1958).
__device__ __forceinline__ float2 normalPair(u32 bits1, u32 bits2) {
    float u = __fmul_rn((float)((bits1 >> 8) + 1), 1.0f / (1 << 24));
    float radius = __fsqrt_rn(__fmul_rn(-2.0f, normalLog(u)));
    float2 sc = sineCosineOfTurns(bits2);
    return make_float2(__fmul_rn(radius, sc.y), __fmul_rn(radius, sc.x));
}

// The four standard normal numbers of a stream's block.
__device__ __forceinline__ float4 normals(uint4 bits) {
    float2 a = normalPair(bits.x, bits.y), b = normalPair(bits.z, bits.w);
    return make_float4(a.x, a.y, b.x, b.y);
}
