// What a linear layer needs beside cuBLAS's products: the addends, and the gradient of the bias.
#include "vector.cuh"

// ---------------------------------------------------------------------------------------------------------------------------------------
// Linear: y = bias + residual, to which the product is then added; either may be null. y [count/columns, columns].
// 4 bytes per element, 8 with a residual.

KERNEL linear_start(float* y, const float* bias, const float* residual, int columns, long long count) {
    auto column = [&](long long i) { return count >> 31 == 0 ? (int)((u32)i % (u32)columns) : (int)(i % columns); };
    forEachOfFour(count, columns % 4 == 0 && isAligned16(y, bias, residual),
        [&](long long i) {
            float4 sum = bias == nullptr ? make_float4(0, 0, 0, 0) : load4(bias + column(i));
            store4(y + i, residual == nullptr ? sum : sum + load4(residual + i));
        },
        [&](long long i) {
            float sum = bias == nullptr ? 0.0f : bias[column(i)];
            y[i] = residual == nullptr ? sum : sum + residual[i];
        });
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// sums[part, c] (+)= Σ over the part's rows of x[row, c]: the gradient of a bias, in two launches if there are many rows.
// Block (32, 8): 32 columns, every eighth row each; grid: (columns/32, parts). 4 bytes per element.

KERNEL linear_column_sums(float* sums, const float* x, int rows, int columns, int rowsPerPart, int accumulate) {
    __shared__ float partial[8][32];
    int column = blockIdx.x * 32 + threadIdx.x, first = blockIdx.y * rowsPerPart, end = first + min(rowsPerPart, rows - first);
    float sum = 0;
    if (column < columns) {
#pragma unroll 8
        for (int row = first + threadIdx.y; row < end; row += 8) sum += x[(long long)row * columns + column];
    }
    partial[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y == 0 && column < columns) {
        for (int i = 1; i < 8; i++) sum += partial[i][threadIdx.x];
        float* target = sums + (long long)blockIdx.y * columns + column;
        *target = accumulate ? *target + sum : sum;
    }
}
