// The optimizer's passes over the flat arenas.
#include "reduce.cuh"
#include "vector.cuh"

// ---------------------------------------------------------------------------------------------------------------------------------------
// SumOfSquares: sum[0] = Σ x², in double precision. Two launches: blocks of 256 threads sum SumChunk elements each, then one block of 1024
// adds the partial sums up. Which elements a thread adds, and in which order, depends on the count alone. 4 bytes and 2 FLOPs per element.

constexpr int SumChunk = 256 * 4 * 16;

KERNEL sum_of_squares_partial(double* partial, const float* x, long long count) {
    long long first = (long long)blockIdx.x * SumChunk;
    int length = (int)min((long long)SumChunk, count - first);
    bool aligned = isAligned16(x);
    double sum = 0;
#pragma unroll 4
    for (int i = 4 * threadIdx.x; i < length; i += 4 * blockDim.x) {
        float4 v = load4(x + first + i, length - i, aligned && i + 4 <= length);
        sum += (double)v.x * v.x + (double)v.y * v.y + ((double)v.z * v.z + (double)v.w * v.w);
    }
    sum = blockSum(sum);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

KERNEL sum_of_squares_total(float* sum, const double* partial, int count) {
    double total = 0;
    for (int i = threadIdx.x; i < count; i += blockDim.x) total += partial[i];
    total = blockSum(total);
    if (threadIdx.x == 0) sum[0] = (float)total;
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// AdamStep: clipping by the global norm, Adam and the moving average in one launch; four neighbouring elements per thread, blocks of 256.
// The settings and ‖g‖² are read from device memory, so that a graph replays with new ones. 36 bytes and about 20 FLOPs per element.

// As in Core's AdamSetting.
enum { LearningRate, Beta1, OneMinusBeta1, Beta2, OneMinusBeta2, Epsilon, BiasCorrection1, RootBiasCorrection2, MaxNorm, OneMinusEmaDecay };

KERNEL adam_step(
    float* parameters, float* firstMoment, float* secondMoment, float* ema, const float* gradients, const float* gradientSumOfSquares, const float* setting,
    long long count) {
    float norm = sqrtf(gradientSumOfSquares[0]);
    if (!isfinite(norm)) return;
    float clip = min(1.0f, setting[MaxNorm] / (norm + 1e-6f));
    float rate = setting[LearningRate] / setting[BiasCorrection1];
    float oneMinusBeta1 = setting[OneMinusBeta1], beta2 = setting[Beta2], oneMinusBeta2 = setting[OneMinusBeta2];
    float epsilon = setting[Epsilon], rootCorrection = 1.0f / setting[RootBiasCorrection2], oneMinusDecay = setting[OneMinusEmaDecay];

    auto step = [&](float& p, float& m, float& v, float& e, float g) {
        g *= clip;
        m = fmaf(oneMinusBeta1, g - m, m);
        v = fmaf(oneMinusBeta2 * g, g, beta2 * v);
        p = fmaf(-rate, m / fmaf(sqrtf(v), rootCorrection, epsilon), p);
        e = fmaf(oneMinusDecay, p - e, e);
    };
    forEachOfFour(count, isAligned16(parameters, firstMoment, secondMoment, ema) && isAligned16(gradients),
        [&](long long i) {
            float4 p = load4(parameters + i), m = load4(firstMoment + i), v = load4(secondMoment + i), e = load4(ema + i), g = load4(gradients + i);
            step(p.x, m.x, v.x, e.x, g.x);
            step(p.y, m.y, v.y, e.y, g.y);
            step(p.z, m.z, v.z, e.z, g.z);
            step(p.w, m.w, v.w, e.w, g.w);
            store4(parameters + i, p);
            store4(firstMoment + i, m);
            store4(secondMoment + i, v);
            store4(ema + i, e);
        },
        [&](long long i) { step(parameters[i], firstMoment[i], secondMoment[i], ema[i], gradients[i]); });
}
