// Conv2d as in conv2d.cu, by the tensor cores: factors rounded to tf32 (10 bits of mantissa), sums in float32.
#include "convolution.cuh"

#define CONVOLUTION(BM, BN, WM, WN, BLOCKS, WEIGHT_BLOCKS)                                                                                   \
    KERNEL __launch_bounds__(Tf32Along<BM, BN, WM, WN>::Threads, BLOCKS) conv2d_tf32_##BM##x##BN(                                            \
        float* y, float* partials, const float* x, const float* w, const float* bias, const float* channelAdd, const float* residual,        \
        ConvProblem e, int stepsPerPart) {                                                                                                   \
        convolve<Tf32Along<BM, BN, WM, WN>>(y, partials, x, w, {bias, channelAdd, residual}, e, stepsPerPart);                               \
    }                                                                                                                                        \
    KERNEL __launch_bounds__(Tf32Across<BM, BN, WM, WN>::Threads, WEIGHT_BLOCKS) conv2d_tf32_weights_##BM##x##BN(                            \
        float* dw, float* partials, const float* dy, const float* x, const float* residual, ConvProblem e, ConvProblem result, int stepsPerPart) { \
        correlate<Tf32Across<BM, BN, WM, WN>>(dw, partials, dy, x, residual, e, result, stepsPerPart);                                       \
    }
// The large weights' kernel needs a few registers more than two blocks leave it.
CONVOLUTION(128, 128, 64, 32, 2, 1)
CONVOLUTION(64, 64, 32, 32, 4, 4)
CONVOLUTION(128, 32, 32, 32, 4, 4)
CONVOLUTION(32, 128, 32, 32, 4, 4)
