// What floating-point arithmetic does, for the tests of the emulated compiler: NVRTC's rules are the same.
#include "mma.cuh"

// results[i]: a·b + c as the compiler fuses it, and with each operation rounded.
KERNEL products_and_sums(float* fused, float* rounded, const float* a, const float* b, const float* c) {
    int i = threadIdx.x;
    fused[i] = a[i] * b[i] + c[i];
    rounded[i] = __fadd_rn(__fmul_rn(a[i], b[i]), c[i]);
}

KERNEL functions(float* exponentials, float* quotients, const float* x, const float* y, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    exponentials[i] = expf(x[i]);
    quotients[i] = __fdividef(x[i], y[i]);
}

KERNEL narrowed(u32* tf32, u32* bf16, const u32* bits) {
    int i = threadIdx.x;
    tf32[i] = toTf32(__uint_as_float(bits[i]));
    bf16[i] = packBf16(__uint_as_float(bits[i]), __uint_as_float(bits[i]));
}
