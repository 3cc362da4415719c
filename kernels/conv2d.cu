// Conv2d in NHWC: forward, backward to the input and backward to the weights as implicit matrix products in float32 (convolution.cuh), and what
// comes before and after them in any precision.
#include "convolution.cuh"

#define CONVOLUTION(BM, BN, TM, TN, BLOCKS)                                                                                                  \
    KERNEL __launch_bounds__(FloatAlong<BM, BN, TM, TN>::Threads, BLOCKS) conv2d_##BM##x##BN(                                                \
        float* y, float* partials, const float* x, const float* w, const float* bias, const float* channelAdd, const float* residual,        \
        ConvProblem e, int stepsPerPart) {                                                                                                   \
        convolve<FloatAlong<BM, BN, TM, TN>>(y, partials, x, w, {bias, channelAdd, residual}, e, stepsPerPart);                              \
    }                                                                                                                                        \
    KERNEL __launch_bounds__(FloatAcross<BM, BN, TM, TN>::Threads, BLOCKS) conv2d_weights_##BM##x##BN(                                       \
        float* dw, float* partials, const float* dy, const float* x, const float* residual, ConvProblem e, ConvProblem result, int stepsPerPart) { \
        correlate<FloatAcross<BM, BN, TM, TN>>(dw, partials, dy, x, residual, e, result, stepsPerPart);                                      \
    }
CONVOLUTION(128, 128, 8, 8, 2)
CONVOLUTION(64, 64, 8, 4, 4)
CONVOLUTION(128, 32, 8, 4, 4)
CONVOLUTION(32, 128, 4, 8, 4)

// turned[c][i][j][o] = w[o][r][s][c] with r = firstR + spacing·(rows − 1 − i), s alike: the taps that reach the pixels of one residue modulo
// the stride, in reverse. Block (32, 8); grid: (channels/32, outputs/32, rows·columns). 8 bytes per element.
KERNEL conv2d_turn_weights(float* turned, const float* w, int outputs, int channels, int kernel, int rows, int columns, int firstR, int firstS, int spacing) {
    __shared__ float tile[32][33];
    int i = blockIdx.z / columns, j = blockIdx.z % columns;
    int r = firstR + spacing * (rows - 1 - i), s = firstS + spacing * (columns - 1 - j);
    int c = blockIdx.x * 32 + threadIdx.x;
#pragma unroll
    for (int line = threadIdx.y; line < 32; line += 8) {
        int o = blockIdx.y * 32 + line;
        if (o < outputs && c < channels) tile[line][threadIdx.x] = w[(((long long)o * kernel + r) * kernel + s) * channels + c];
    }
    __syncthreads();
    int o = blockIdx.y * 32 + threadIdx.x;
#pragma unroll
    for (int line = threadIdx.y; line < 32; line += 8) {
        int channel = blockIdx.x * 32 + line;
        if (o < outputs && channel < channels) turned[(((long long)channel * rows + i) * columns + j) * outputs + o] = tile[threadIdx.x][line];
    }
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// Adds up the parts of a split sum, in order, and finishes the result. Four channels per thread, blocks of 256 threads.
// 4·parts bytes per element, and what `finish` needs.

KERNEL conv2d_finish(float* y, const float* partials, const float* bias, const float* channelAdd, const float* residual, ConvProblem e, int parts) {
    int pixels = e.images * e.rows * e.columns, groups = ceilDivide(e.channels, 4);
    long long at = (long long)blockIdx.x * blockDim.x + threadIdx.x, part = (long long)pixels * groups;
    if (at >= part) return;
    float4 sums = load4(partials + at * 4);
    for (int i = 1; i < parts; i++) sums = sums + load4(partials + (i * part + at) * 4);
    finish(y, {bias, channelAdd, residual}, e, (int)(at / groups), (int)(at % groups) * 4, sums);
}
