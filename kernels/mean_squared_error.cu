// MeanSquaredError: perSample[n] = mean of (prediction − target)², loss = mean of weights·perSample. Backward dprediction (+)= dloss·2·
// weights[n]·(prediction − target)/count. [N, …]; weights may be null.
#include "reduce.cuh"
#include "samples.cuh"

// One block of 512 threads per sample; sums in double precision, in a fixed order. 8 bytes per element.
KERNEL mean_squared_error_per_sample(float* perSample, const float* prediction, const float* target, long long count) {
    const float* a = prediction + blockIdx.x * count;
    const float* b = target + blockIdx.x * count;
    bool whole = isAligned16(prediction, target) && count % 4 == 0;
    double sum = 0;
#pragma unroll 2
    for (long long i = 4ll * threadIdx.x; i < count; i += 4 * blockDim.x) {
        int here = (int)min(4ll, count - i);
        float4 d = load4(a + i, here, whole) - load4(b + i, here, whole);
        sum += (double)d.x * d.x + (double)d.y * d.y + ((double)d.z * d.z + (double)d.w * d.w);
    }
    sum = blockSum(sum);
    if (threadIdx.x == 0) perSample[blockIdx.x] = (float)(sum / (double)count);
}

// One block of 256 threads.
KERNEL mean_squared_error_loss(float* loss, const float* perSample, const float* weights, int samples) {
    double sum = 0;
    for (int n = threadIdx.x; n < samples; n += blockDim.x) sum += weights ? (double)weights[n] * perSample[n] : (double)perSample[n];
    sum = blockSum(sum);
    if (threadIdx.x == 0) loss[0] = (float)(sum / samples);
}

// Four elements of one sample per thread, blocks of 256. 12 bytes per element, 16 when accumulating.
KERNEL mean_squared_error_backward(
    float* dprediction, const float* dloss, const float* prediction, const float* target, const float* weights, int accumulate, int samples, long long perSample) {
    forEachQuad(samples, perSample, isAligned16(dprediction, prediction, target), [&](Quad q) {
        float factor = dloss[0] * 2.0f / (float)(samples * perSample) * (weights ? weights[q.sample] : 1.0f);
        float4 d = factor * (load4(prediction + q.at, q.count, q.whole) - load4(target + q.at, q.count, q.whole));
        store4(dprediction + q.at, accumulate ? load4(dprediction + q.at, q.count, q.whole) + d : d, q.count, q.whole);
    });
}
