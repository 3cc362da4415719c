// Dropout: y (+)= x·scale where the stream's uniform number is at least the rate, else 0; backward the same with dy for x. Four elements of
// one sample per thread, blocks of 256 threads. 8 bytes per element, 12 when accumulating; y may be x unless accumulating.
#include "philox.cuh"
#include "samples.cuh"

// rate is a multiple of 2⁻²⁴, as uniform numbers are.
KERNEL dropout(
    float* y, const float* x, const int* position, u64 seed, u32 purpose, float rate, float scale, int accumulate, int samples, long long perSample) {
    forEachQuad(samples, perSample, isAligned16(y, x), [&](Quad q) {
        uint4 bits = streamBlock(seed, purpose, position, q.sample, q.block);
        float4 v = load4(x + q.at, q.count, q.whole);
        float4 kept = make_float4(
            uniform(bits.x) >= rate ? v.x * scale : 0, uniform(bits.y) >= rate ? v.y * scale : 0,
            uniform(bits.z) >= rate ? v.z * scale : 0, uniform(bits.w) >= rate ? v.w * scale : 0);
        store4(y + q.at, accumulate ? load4(y + q.at, q.count, q.whole) + kept : kept, q.count, q.whole);
    });
}
