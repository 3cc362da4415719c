// Sums over the rows of a matrix, column by column, in a fixed order: each thread adds every so many-th row up, then the threads of a column
// add pairwise.
//
// A block's threads stand in `rows` rows of `lanes` columns' vectors: thread t has column vector t % lanes of row t / lanes; what is left
// over of the block has no row. V is float4 where channels allow, float else.
#pragma once
#include "vector.cuh"

template <class V> constexpr int Width = sizeof(V) / sizeof(float);

template <class V> __device__ __forceinline__ V load(const float* p) { return *reinterpret_cast<const V*>(p); }
template <class V> __device__ __forceinline__ void store(float* p, V v) { *reinterpret_cast<V*>(p) = v; }

template <class V> __device__ __forceinline__ V zero();
template <> __device__ __forceinline__ float zero<float>() { return 0; }
template <> __device__ __forceinline__ float4 zero<float4>() { return make_float4(0, 0, 0, 0); }

// partial, in shared memory: `rows` rows of `columns` floats. Row 0 becomes the sum of all. All threads of the block call it; a barrier
// comes first and last.
template <class V>
__device__ __forceinline__ void addRows(float* partial, int columns, int lane, int row, int lanes, int rows) {
    __syncthreads();
    while (rows > 1) {
        int kept = (rows + 1) / 2;
        if (row < rows - kept) {
            for (int c = lane * Width<V>; c < columns; c += lanes * Width<V>) {
                store<V>(partial + row * columns + c, load<V>(partial + row * columns + c) + load<V>(partial + (row + kept) * columns + c));
            }
        }
        rows = kept;
        __syncthreads();
    }
}
