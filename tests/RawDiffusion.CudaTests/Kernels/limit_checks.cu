// Kernels that go beyond what a launch or an instruction is allowed, for the tests of the emulated driver.
#include "async_copy.cuh"
#include "vector.cuh"

// Two kinds of shared memory, which count together.
KERNEL static_and_dynamic(float* y) {
    __shared__ float fixed[4096];
    extern __shared__ float open[];
    fixed[threadIdx.x] = open[threadIdx.x] = 1.0f;
    y[threadIdx.x] = fixed[threadIdx.x] + open[threadIdx.x];
}

// Vectors in memory that is declared for single floats: where it lies is luck.
KERNEL underaligned_static(float* y) {
    __shared__ float s[8];
    store4(s, make_float4(1, 2, 3, 4));
    y[0] = s[3];
}

KERNEL underaligned_dynamic(float* y) {
    extern __shared__ float s[];
    store4(s, make_float4(1, 2, 3, 4));
    y[0] = s[3];
}

// Reads nothing, but from an address that is not aligned.
KERNEL misaligned_copy(float* y, const float* x) {
    __shared__ __align__(16) float s[4];
    copyAsync16(s, x + 1, false);
    commitCopies();
    waitCopies<0>();
    y[0] = s[0];
}

// y[i] = 31 − i, by way of a neighbour and of device memory.
KERNEL passes_through_memory(float* y, float* handed, int barrier) {
    handed[threadIdx.x] = (float)threadIdx.x;
    if (barrier == 1) __syncthreads();
    if (barrier == 2) __syncwarp();
    y[threadIdx.x] = handed[31 - threadIdx.x];
}

KERNEL overflowing_sum(int* y, int a, int b) { y[0] = 0x7fffffff - a + 1 + a + (b - 31); }

KERNEL overflowing_product(int* y, int a, int b) { y[0] = a * (a / 2) + b; }

KERNEL overflowing_shift(int* y, int a, int b) { y[0] = a >> b; }
