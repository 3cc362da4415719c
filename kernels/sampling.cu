// A sampling step in numbers: any shape [N, …], four elements per thread, blocks of 256 threads. All are bound by memory, but for the noise
// (see noise.cu). What is fused and what is done in two steps must come to the same bits, so every rounding is written out.
#include "philox.cuh"
#include "samples.cuh"

// f·a + g·b, rounded as the CPU device does.
__device__ __forceinline__ float weigh(float f, float a, float g, float b) { return __fmaf_rn(f, a, __fmul_rn(g, b)); }

__device__ __forceinline__ float4 weigh(float f, float4 a, float g, float4 b) {
    return make_float4(weigh(f, a.x, g, b.x), weigh(f, a.y, g, b.y), weigh(f, a.z, g, b.z), weigh(f, a.w, g, b.w));
}

// Written so that what is not a number stays it.
__device__ __forceinline__ float clip(float value, float limit) { return value > limit ? limit : value < -limit ? -limit : value; }

__device__ __forceinline__ float4 clip(float4 v, float limit) { return make_float4(clip(v.x, limit), clip(v.y, limit), clip(v.z, limit), clip(v.w, limit)); }

// As in Core's DenoiseCoefficient.
enum { P, Q, Clip, U, V, W, S };

// ---------------------------------------------------------------------------------------------------------------------------------------
// EstimateX0: x̂0 = clamp(p·x + q·output, ±clip) with coefficients (p, q, clip). x̂0 may be x or the output. 12 bytes and 5 FLOPs per element.

KERNEL estimate_x0(float* x0, const float* x, const float* output, const float* coefficients, long long count) {
    float p = coefficients[P], q = coefficients[Q], limit = coefficients[Clip];
    forEachOfFour(count, isAligned16(x0, x, output),
        [&](long long i) { store4(x0 + i, clip(weigh(p, load4(x + i), q, load4(output + i)), limit)); },
        [&](long long i) { x0[i] = clip(weigh(p, x[i], q, output[i]), limit); });
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// WeightedSum: y = Σ c_k·x_k + s·z with the row (c_0 …, s if noisy) of the sample, at `stride` numbers for each; stride 0 is one row for all.
// y may be any term; noise may be null. With s = 0 neither noise nor the stream is looked at. 4·(terms + 1) bytes per element, 4 more with
// noise given, and 2 FLOPs for each term.

constexpr int MostTerms = 8;                         // Core's Device.MostTerms

struct Terms {
    const float* at[MostTerms];
};

KERNEL weighted_sum(
    float* y, const float* coefficients, Terms terms, const float* noise, const int* position, u64 seed, u32 purpose, int count, int noisy, int stride,
    int samples, long long perSample) {
    // Loops of a fixed length: places in a parameter that are known only at run time would have it copied to local memory.
    bool aligned = isAligned16(y, noise);
#pragma unroll
    for (int k = 0; k < MostTerms; k++) aligned = aligned && (k >= count || isAligned16(terms.at[k]));
    forEachQuad(samples, perSample, aligned, [&](Quad q) {
        const float* c = coefficients + (long long)q.sample * stride;
        float4 first = load4(terms.at[0] + q.at, q.count, q.whole);
        float4 sum = count == 1 ? c[0] * first : weigh(c[0], first, c[1], load4(terms.at[1] + q.at, q.count, q.whole));
#pragma unroll
        for (int k = 2; k < MostTerms; k++) {
            if (k < count) sum = weigh(1, sum, c[k], load4(terms.at[k] + q.at, q.count, q.whole));
        }
        float s = noisy ? c[count] : 0;
        if (s != 0) {
            float4 z = noise ? load4(noise + q.at, q.count, q.whole) : normals(streamBlock(seed, purpose, position, q.sample, q.block));
            sum = weigh(1, sum, s, z);
        }
        store4(y + q.at, sum, q.count, q.whole);
    });
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// DenoiseUpdate: EstimateX0, then WeightedSum: next = u·x + v·x̂0 + w·previous + s·z with coefficients (p, q, clip, u, v, w, s).
// previous, noise and x0 may be null; next may be x. With s = 0 neither noise nor the stream is looked at.
// 12 bytes per element, 4 more for each of the three; 7 to 12 FLOPs.

KERNEL denoise_update(
    float* next, float* x0, const float* x, const float* output, const float* previous, const float* coefficients, const float* noise, const int* position,
    u64 seed, u32 purpose, int samples, long long perSample) {
    bool aligned = isAligned16(next, x0, x, output) && isAligned16(previous, noise);
    forEachQuad(samples, perSample, aligned, [&](Quad q) {
        float s = coefficients[S];
        float4 from = load4(x + q.at, q.count, q.whole);
        float4 estimate = clip(weigh(coefficients[P], from, coefficients[Q], load4(output + q.at, q.count, q.whole)), coefficients[Clip]);
        float4 sum = weigh(coefficients[U], from, coefficients[V], estimate);
        if (previous) sum = weigh(1, sum, coefficients[W], load4(previous + q.at, q.count, q.whole));
        if (s != 0) {
            float4 z = noise ? load4(noise + q.at, q.count, q.whole) : normals(streamBlock(seed, purpose, position, q.sample, q.block));
            sum = weigh(1, sum, s, z);
        }
        if (x0) store4(x0 + q.at, estimate, q.count, q.whole);
        store4(next + q.at, sum, q.count, q.whole);
    });
}
