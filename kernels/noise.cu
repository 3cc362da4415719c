// Noise for diffusion: any shape [N, …], four elements of one sample per thread, blocks of 256 threads. Philox and the normal numbers cost
// about 30 integer and 50 float instructions per element, less than the memory's time for two tensors.
#include "philox.cuh"
#include "samples.cuh"

// ---------------------------------------------------------------------------------------------------------------------------------------
// FillNormal: y = standard normal numbers. 4 bytes per element.

KERNEL fill_normal(float* y, const int* position, u64 seed, u32 purpose, int samples, long long perSample) {
    forEachQuad(samples, perSample, isAligned16(y), [&](Quad q) {
        store4(y + q.at, normals(streamBlock(seed, purpose, position, q.sample, q.block)), q.count, q.whole);
    });
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// AddNoise: xt = a·x0 + b·ε, target = c·x0 + d·ε with each sample's (a, b, c, d). noise, if not null, is ε.
// 12 bytes (16 with noise given) and 6 FLOPs per element.

KERNEL add_noise(
    float* xt, float* target, const float* x0, const float* coefficients, const float* noise, const int* position, u64 seed, u32 purpose, int samples,
    long long perSample) {
    forEachQuad(samples, perSample, isAligned16(xt, target, x0, noise), [&](Quad q) {
        float4 x = load4(x0 + q.at, q.count, q.whole);
        float4 epsilon = noise ? load4(noise + q.at, q.count, q.whole) : normals(streamBlock(seed, purpose, position, q.sample, q.block));
        const float* abcd = coefficients + 4ll * q.sample;
        store4(xt + q.at, abcd[0] * x + abcd[1] * epsilon, q.count, q.whole);
        store4(target + q.at, abcd[2] * x + abcd[3] * epsilon, q.count, q.whole);
    });
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// DenoiseUpdate: x̂0 = clamp(p·x + q·output, ±clip), next = u·x + v·x̂0 + w·previous + s·z with coefficients (p, q, clip, u, v, w, s).
// previous, noise and x0 may be null; next may be x. With s = 0 neither noise nor the stream is looked at.
// 12 bytes per element, 4 more for each of the three; 7 to 12 FLOPs.

// Written so that what is not a number stays it.
__device__ __forceinline__ float clip(float value, float limit) { return value > limit ? limit : value < -limit ? -limit : value; }

KERNEL denoise_update(
    float* next, float* x0, const float* x, const float* output, const float* previous, const float* coefficients, const float* noise, const int* position,
    u64 seed, u32 purpose, int samples, long long perSample) {
    bool aligned = isAligned16(next, x0, x, output) && isAligned16(previous, noise);
    forEachQuad(samples, perSample, aligned, [&](Quad q) {
        float limit = coefficients[2], s = coefficients[6];
        float4 from = load4(x + q.at, q.count, q.whole);
        float4 estimate = coefficients[0] * from + coefficients[1] * load4(output + q.at, q.count, q.whole);
        estimate = make_float4(clip(estimate.x, limit), clip(estimate.y, limit), clip(estimate.z, limit), clip(estimate.w, limit));
        float4 sum = coefficients[3] * from + coefficients[4] * estimate;
        if (previous) sum = sum + coefficients[5] * load4(previous + q.at, q.count, q.whole);
        if (s != 0) {
            float4 z = noise ? load4(noise + q.at, q.count, q.whole) : normals(streamBlock(seed, purpose, position, q.sample, q.block));
            sum = sum + s * z;
        }
        if (x0) store4(x0 + q.at, estimate, q.count, q.whole);
        store4(next + q.at, sum, q.count, q.whole);
    });
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// PixelsToReal: y = pixel/127.5 − 1, as (2·pixel − 255)/255, which rounds once. 5 bytes per element.

__device__ __forceinline__ float pixelToReal(int pixel) { return (float)(2 * pixel - 255) / 255.0f; }

KERNEL pixels_to_real(float* y, const unsigned char* pixels, long long count) {
    forEachOfFour(count, isAligned16(y) && ((u64)pixels & 3) == 0,
        [&](long long i) {
            uchar4 p = *reinterpret_cast<const uchar4*>(pixels + i);
            store4(y + i, make_float4(pixelToReal(p.x), pixelToReal(p.y), pixelToReal(p.z), pixelToReal(p.w)));
        },
        [&](long long i) { y[i] = pixelToReal(pixels[i]); });
}
