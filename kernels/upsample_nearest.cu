// UpsampleNearest: [N, H, W, C] to [N, 2H, 2W, C]. Four channels of a small pixel per thread (one where the channels are no multiple of
// four), blocks of 256; small vectors are counted in 32 bits. Bound by memory.
#include "vector.cuh"

// body(small, large): where a thread's channels are in the small image, and in the first of the four pixels that repeat them.
template <class Body>
__device__ __forceinline__ void forEachPixel(u32 pixels, int width, int channels, int perThread, Body body) {
    u32 vectors = (u32)(channels / perThread), i = blockIdx.x * blockDim.x + threadIdx.x, pixel = i / vectors;
    if (pixel >= pixels) return;
    u32 row = pixel / width, column = pixel % width;
    int c = (int)(i % vectors) * perThread;
    body((long long)pixel * channels + c, (4ll * row * width + 2 * column) * channels + c);
}

// 20 bytes per element of x.
KERNEL upsample_nearest(float* y, const float* x, u32 pixels, int width, int channels) {
    long long below = 2ll * width * channels;
    if (isAligned16(y, x) && channels % 4 == 0) {
        forEachPixel(pixels, width, channels, 4, [&](long long small, long long large) {
            float4 v = load4(x + small);
            store4(y + large, v);
            store4(y + large + channels, v);
            store4(y + large + below, v);
            store4(y + large + below + channels, v);
        });
    } else {
        forEachPixel(pixels, width, channels, 1, [&](long long small, long long large) {
            y[large] = y[large + channels] = y[large + below] = y[large + below + channels] = x[small];
        });
    }
}

// dx (+)= the sum over the four pixels. 20 bytes per element of dx, 24 when accumulating.
KERNEL upsample_nearest_backward(float* dx, const float* dy, u32 pixels, int width, int channels, int accumulate) {
    long long below = 2ll * width * channels;
    if (isAligned16(dx, dy) && channels % 4 == 0) {
        forEachPixel(pixels, width, channels, 4, [&](long long small, long long large) {
            float4 sum = (load4(dy + large) + load4(dy + large + channels)) + (load4(dy + large + below) + load4(dy + large + below + channels));
            store4(dx + small, accumulate ? load4(dx + small) + sum : sum);
        });
    } else {
        forEachPixel(pixels, width, channels, 1, [&](long long small, long long large) {
            float sum = (dy[large] + dy[large + channels]) + (dy[large + below] + dy[large + below + channels]);
            dx[small] = accumulate ? dx[small] + sum : sum;
        });
    }
}
