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
// The forward process for four elements of a sample, with its (a, b, c, d): xt = a·x0 + b·ε, target = c·x0 + d·ε.

struct Forward {
    float *xt, *target;
    const float *coefficients, *noise;              // noise, if not null, is ε
    const int* position;
    u64 seed;
    u32 purpose;

    __device__ __forceinline__ void run(const Quad& q, float4 x0) const {
        float4 epsilon = noise ? load4(noise + q.at, q.count, q.whole) : normals(streamBlock(seed, purpose, position, q.sample, q.block));
        const float* abcd = coefficients + 4ll * q.sample;
        store4(xt + q.at, abcd[0] * x0 + abcd[1] * epsilon, q.count, q.whole);
        store4(target + q.at, abcd[2] * x0 + abcd[3] * epsilon, q.count, q.whole);
    }
};

// ---------------------------------------------------------------------------------------------------------------------------------------
// AddNoise: 12 bytes (16 with noise given) and 6 FLOPs per element.

KERNEL add_noise(
    float* xt, float* target, const float* x0, const float* coefficients, const float* noise, const int* position, u64 seed, u32 purpose, int samples,
    long long perSample) {
    Forward forward{xt, target, coefficients, noise, position, seed, purpose};
    forEachQuad(samples, perSample, isAligned16(xt, target, x0, noise), [&](Quad q) { forward.run(q, load4(x0 + q.at, q.count, q.whole)); });
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// AddNoiseToPixels: AddNoise with x0 = pixel/127.5 − 1, as (2·pixel − 255)/255, which rounds once, of image picks[2n], its columns left to
// left + width − 1 mirrored if picks[2n + 1]. 9 bytes (13 with noise given) and 9 FLOPs per element.

__device__ __forceinline__ float pixelToReal(int pixel) { return (float)(2 * pixel - 255) / 255.0f; }

KERNEL add_noise_to_pixels(
    float* xt, float* target, const unsigned char* pixels, const int* picks, const float* coefficients, const float* noise, const int* position, u64 seed,
    u32 purpose, int samples, long long perSample, int channels, int columns, int left, int width) {
    Forward forward{xt, target, coefficients, noise, position, seed, purpose};
    forEachQuad(samples, perSample, isAligned16(xt, target, noise) && ((u64)pixels & 3) == 0, [&](Quad q) {
        const unsigned char* image = pixels + picks[2 * q.sample] * perSample;
        u32 first = 4 * q.block;
        bool mirrored = picks[2 * q.sample + 1] != 0;
        auto x0 = [&](u32 i) {
            if (i >= (u32)q.count) return 0.0f;
            u32 element = first + i;
            if (mirrored) {
                u32 pixel = element / channels, column = pixel % columns;
                if (column - left < (u32)width) element += (2 * left + width - 1 - 2 * (int)column) * channels;
            }
            return pixelToReal(image[element]);
        };
        if (q.whole && !mirrored) {
            uchar4 p = *reinterpret_cast<const uchar4*>(image + first);
            forward.run(q, make_float4(pixelToReal(p.x), pixelToReal(p.y), pixelToReal(p.z), pixelToReal(p.w)));
        } else {
            forward.run(q, make_float4(x0(0), x0(1), x0(2), x0(3)));
        }
    });
}
