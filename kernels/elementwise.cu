// Element-wise operations: any shape, four neighbouring elements per thread, blocks of 256 threads. All are bound by memory.
#include "vector.cuh"

// ---------------------------------------------------------------------------------------------------------------------------------------
// LinearCombination: y = a·x + b·z. z may be null; y may be x or z.
// 12 bytes (8 without z) and 3 FLOPs per element.

KERNEL linear_combination(float* y, const float* x, const float* z, float a, float b, long long count) {
    if (z == nullptr) {
        forEachOfFour(count, isAligned16(y, x),
            [&](long long i) { store4(y + i, a * load4(x + i)); },
            [&](long long i) { y[i] = a * x[i]; });
    } else {
        forEachOfFour(count, isAligned16(y, x, z),
            [&](long long i) { store4(y + i, a * load4(x + i) + b * load4(z + i)); },
            [&](long long i) { y[i] = a * x[i] + b * z[i]; });
    }
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// Blend: y = mask·a + (1 − mask)·b, exactly a where the mask is 1 and b where it is 0, whatever the other holds. y may be any of the three.
// 16 bytes and 4 FLOPs per element.

__device__ __forceinline__ float blended(float mask, float a, float b) {
    return mask == 1.0f ? a : mask == 0.0f ? b : __fmaf_rn(mask, a, __fmul_rn(1.0f - mask, b));
}

KERNEL blend(float* y, const float* mask, const float* a, const float* b, long long count) {
    forEachOfFour(count, isAligned16(y, mask, a, b),
        [&](long long i) {
            float4 m = load4(mask + i), p = load4(a + i), q = load4(b + i);
            store4(y + i, make_float4(blended(m.x, p.x, q.x), blended(m.y, p.y, q.y), blended(m.z, p.z, q.z), blended(m.w, p.w, q.w)));
        },
        [&](long long i) { y[i] = blended(mask[i], a[i], b[i]); });
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// Silu: y = x·σ(x). 8 bytes per element.

KERNEL silu_forward(float* y, const float* x, long long count) {
    forEachOfFour(count, isAligned16(y, x),
        [&](long long i) {
            float4 v = load4(x + i);
            store4(y + i, make_float4(silu(v.x), silu(v.y), silu(v.z), silu(v.w)));
        },
        [&](long long i) { y[i] = silu(x[i]); });
}

// dx (+)= dy·σ(x)·(1 + x·(1 − σ(x))). 12 bytes per element, 16 when accumulating.
KERNEL silu_backward(float* dx, const float* dy, const float* x, long long count, int accumulate) {
    forEachOfFour(count, isAligned16(dx, dy, x),
        [&](long long i) {
            float4 v = load4(x + i);
            float4 d = load4(dy + i) * make_float4(siluGradient(v.x), siluGradient(v.y), siluGradient(v.z), siluGradient(v.w));
            store4(dx + i, accumulate ? load4(dx + i) + d : d);
        },
        [&](long long i) {
            float d = dy[i] * siluGradient(x[i]);
            dx[i] = accumulate ? dx[i] + d : d;
        });
}
