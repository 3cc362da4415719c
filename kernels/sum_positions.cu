// SumPositions: sum[n, c] (+)= Σ over positions of x[n, position, c], [N, positions, C]. A block of 256 threads takes 32 channels of one
// image: 128 bytes of 32 rows at a time (8 rows where the channels are no multiple of four). Grid (⌈C/32⌉, N). 4 bytes and 1 FLOP per
// element.
#include "columns.cuh"

constexpr int Channels = 32;

template <class V>
__device__ __forceinline__ void sumPositions(float* sum, const float* x, int positions, int channels, int accumulate) {
    constexpr int lanes = Channels / Width<V>, rows = 256 / lanes;
    __shared__ __align__(16) float partial[rows * Channels];
    int lane = threadIdx.x % lanes, row = threadIdx.x / lanes, c = blockIdx.x * Channels + lane * Width<V>;
    V total = zero<V>();
    if (c < channels) {
        const float* column = x + (long long)blockIdx.y * positions * channels + c;
#pragma unroll 8
        for (int position = row; position < positions; position += rows) total = total + load<V>(column + (long long)position * channels);
    }
    store<V>(partial + row * Channels + lane * Width<V>, total);
    addRows<V>(partial, Channels, lane, row, lanes, rows);
    if (row == 0 && c < channels) {
        float* target = sum + (long long)blockIdx.y * channels + c;
        total = load<V>(partial + lane * Width<V>);
        store<V>(target, accumulate ? load<V>(target) + total : total);
    }
}

KERNEL sum_positions(float* sum, const float* x, int positions, int channels, int accumulate) {
    if (channels % 4 == 0 && isAligned16(sum, x)) {
        sumPositions<float4>(sum, x, positions, channels, accumulate);
    } else {
        sumPositions<float>(sum, x, positions, channels, accumulate);
    }
}
