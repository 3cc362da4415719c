// Philox and the normal numbers made from it, for the comparison with Core.
#include "philox.cuh"

// Block i of out holds the Philox block of counters[i], z its four normal numbers, u the uniform numbers of its words.
KERNEL philox_checks(uint4* out, float4* z, float4* u, const uint4* counters, u64 key, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    uint4 bits = philox(counters[i], key);
    out[i] = bits;
    z[i] = normals(bits);
    u[i] = make_float4(uniform(bits.x), uniform(bits.y), uniform(bits.z), uniform(bits.w));
}

// Normal numbers of given words.
KERNEL normal_pairs(float2* z, const u32* first, const u32* second, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) z[i] = normalPair(first[i], second[i]);
}
