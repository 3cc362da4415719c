// ConcatChannels: [rows, Ca] and [rows, Cb] side by side. Four neighbouring elements of what is written per thread, blocks of 256; whole
// vectors where the widths are multiples of four. Vectors are counted in 32 bits. Bound by memory.
#include "vector.cuh"

// Calls four(row, c) or one(row, c): the elements from (row, c) on, of rows × channels elements.
template <class Four, class One>
__device__ __forceinline__ void forEachOfRows(long long rows, int channels, bool whole, Four four, One one) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (whole) {
        u32 vectors = (u32)channels / 4, row = i / vectors;
        if (row < rows) four((long long)row, (int)(i % vectors) * 4);
    } else {
        for (long long j = 4ll * i; j < 4ll * i + 4 && j < rows * channels; j++) one(j / channels, (int)(j % channels));
    }
}

// 8 bytes per element.
KERNEL concat_channels(float* y, const float* a, const float* b, long long rows, int channelsA, int channelsB) {
    int channels = channelsA + channelsB;
    forEachOfRows(rows, channels, isAligned16(y, a, b) && channelsA % 4 == 0 && channelsB % 4 == 0,
        [&](long long row, int c) {
            store4(y + row * channels + c, load4(c < channelsA ? a + row * channelsA + c : b + row * channelsB + (c - channelsA)));
        },
        [&](long long row, int c) { y[row * channels + c] = c < channelsA ? a[row * channelsA + c] : b[row * channelsB + (c - channelsA)]; });
}

// d (+)= dy's channels first to first + width − 1: launched for each part, as both may add to one tensor. 8 bytes per element, 12 when
// accumulating.
KERNEL concat_channels_backward(float* d, const float* dy, int accumulate, long long rows, int width, int channels, int first) {
    forEachOfRows(rows, width, isAligned16(d, dy) && width % 4 == 0 && channels % 4 == 0 && first % 4 == 0,
        [&](long long row, int c) {
            float4 v = load4(dy + row * channels + first + c);
            float* target = d + row * width + c;
            store4(target, accumulate ? load4(target) + v : v);
        },
        [&](long long row, int c) {
            float v = dy[row * channels + first + c];
            float* target = d + row * width + c;
            *target = accumulate ? *target + v : v;
        });
}
