// Products of two tiles in shared memory, `Depth` deep, summed in the registers of a block's threads: A [Rows, Depth] times B [Columns, Depth]
// transposed. Four kinds with the same members, for tiles that lie along or across the summed extent, in float32 or by the tensor cores:
//   Threads                         of the block
//   add(tileA, tileB)               adds the product of two tiles
//   gather()                        after the last of them; the whole warp calls it
//   four(i, j)                      the thread's sums of row(i), i < RowsOfThread, at four neighbouring columns from column(j), j < FoursOfRow
// Along: rows of 16 floats, whose four chunks of four change places by row: chunkPlace. Across: 16 rows of Rows or Columns floats; chunk c of
// row k stands at place(k, c). Either way no two lanes that read at once meet in a bank.
#pragma once
#include "mma.cuh"
#include "vector.cuh"

constexpr int Depth = 16;

__device__ __forceinline__ int chunkPlace(int row, int chunk) { return row * Depth + ((chunk ^ row >> 1 ^ row >> 3) & 3) * 4; }

// ---------------------------------------------------------------------------------------------------------------------------------------
// In float32. A warp's lanes stand 8 by 4; each holds TM×TN sums. Lane bit 0 belongs to the columns and bit 1 to the rows, so that either
// factor's address is the same for one of a lane's neighbours: shared memory then serves half a warp's reads at once.

__device__ __forceinline__ int laneRow() { return (threadIdx.x >> 1 & 1) | (threadIdx.x >> 2 & 6); }
__device__ __forceinline__ int laneColumn() { return (threadIdx.x & 1) | (threadIdx.x >> 1 & 2); }

template <int BM, int BN, int TM, int TN>
struct FloatSums {
    static constexpr int Rows = BM, Columns = BN, Threads = BM * BN / (TM * TN), RowsOfThread = TM, FoursOfRow = TN / 4;
    float sums[TM][TN] = {};

    static __device__ __forceinline__ int warpRow() { return threadIdx.x / 32 % (BM / (8 * TM)) * 8 * TM; }
    static __device__ __forceinline__ int warpColumn() { return threadIdx.x / 32 / (BM / (8 * TM)) * 4 * TN; }
    static __device__ __forceinline__ int column(int j) { return warpColumn() + laneColumn() * 4 + j * 16; }
    __device__ __forceinline__ void gather() {}
    __device__ __forceinline__ float4 four(int i, int j) const { return make_float4(sums[i][j * 4], sums[i][j * 4 + 1], sums[i][j * 4 + 2], sums[i][j * 4 + 3]); }
};

template <int BM, int BN, int TM, int TN>
struct FloatAlong : FloatSums<BM, BN, TM, TN> {
    using Sums = FloatSums<BM, BN, TM, TN>;
    // chunkPlace(row(i), c) is that of the first row and chunk c ^ i, and so many rows further: four places, known before the loop, are enough.
    int placesA[4], placesB[4];

    static __device__ __forceinline__ int row(int i) { return Sums::warpRow() + laneRow() + i * 8; }

    __device__ __forceinline__ FloatAlong() {
#pragma unroll
        for (int c = 0; c < 4; c++) placesA[c] = chunkPlace(row(0), c), placesB[c] = chunkPlace(Sums::column(0), c);
    }

    // Reads two of the 16 at a time: four would need more registers than there are.
    __device__ __forceinline__ void add(const float* tileA, const float* tileB) {
#pragma unroll
        for (int c = 0; c < Depth / 2; c++) {
            float2 a[TM];
#pragma unroll
            for (int i = 0; i < TM; i++) a[i] = load2(tileA + placesA[(c / 2 ^ i) % 4] + c % 2 * 2 + i * 8 * Depth);
#pragma unroll
            for (int j = 0; j < TN; j++) {
                float2 b = load2(tileB + placesB[(c / 2 ^ j % 4 / 2 ^ j / 4 * 2) % 4] + c % 2 * 2 + (j / 4 * 16 + j % 4) * Depth);
#pragma unroll
                for (int i = 0; i < TM; i++) {
                    this->sums[i][j] += a[i].x * b.x;
                    this->sums[i][j] += a[i].y * b.y;
                }
            }
        }
    }
};

template <int BM, int BN, int TM, int TN>
struct FloatAcross : FloatSums<BM, BN, TM, TN> {
    using Sums = FloatSums<BM, BN, TM, TN>;

    static __device__ __forceinline__ int row(int i) { return Sums::warpRow() + laneRow() * 4 + i / 4 * 32 + i % 4; }
    static __device__ __forceinline__ int place(int, int column) { return column; }

    __device__ __forceinline__ void add(const float* tileA, const float* tileB) {
#pragma unroll
        for (int k = 0; k < Depth; k++) {
            float4 a[TM / 4], b[TN / 4];
#pragma unroll
            for (int i = 0; i < TM / 4; i++) a[i] = load4(tileA + k * BM + row(i * 4));
#pragma unroll
            for (int j = 0; j < TN / 4; j++) b[j] = load4(tileB + k * BN + Sums::column(j));
#pragma unroll
            for (int i = 0; i < TM; i++) {
#pragma unroll
                for (int j = 0; j < TN; j++) this->sums[i][j] += component(a[i / 4], i % 4) * component(b[j / 4], j % 4);
            }
        }
    }
};

// ---------------------------------------------------------------------------------------------------------------------------------------
// By the tensor cores, factors rounded to tf32: each warp holds the sums of WM rows and WN columns as m16n8 fragments (mma.cuh says which lane
// has what).

template <int BM, int BN, int WM, int WN>
struct Tf32Sums {
    static constexpr int Rows = BM, Columns = BN, Threads = BM / WM * (BN / WN) * 32, TilesM = WM / 16, TilesN = WN / 8, RowsOfThread = TilesM, FoursOfRow = TilesN;
    static_assert(WM % 32 == 0 && WN % 32 == 0, "the places below count on it");
    float sums[TilesM][TilesN][4] = {};

    static __device__ __forceinline__ int firstRow() { return threadIdx.x / 32 % (BM / WM) * WM; }
    static __device__ __forceinline__ int firstColumn() { return threadIdx.x / 32 / (BM / WM) * WN; }
    static __device__ __forceinline__ int group() { return threadIdx.x % 32 / 4; }
    static __device__ __forceinline__ int member() { return threadIdx.x % 4; }

    // 16 rows, as they come from shared memory, by all columns, rounded already.
    __device__ __forceinline__ void multiply(int i, u32 (&a)[4], const u32 (&b)[TilesN][2]) {
#pragma unroll
        for (int e = 0; e < 4; e++) a[e] = toTf32(__uint_as_float(a[e]));
#pragma unroll
        for (int j = 0; j < TilesN; j++) mmaTf32(sums[i][j], a, b[j]);
    }

    // A lane has two neighbouring columns of two rows. It keeps one row, an even lane the first, and takes that row's other two from its neighbour.
    __device__ __forceinline__ void gather() {
        bool odd = threadIdx.x % 2;
#pragma unroll
        for (int i = 0; i < TilesM; i++) {
#pragma unroll
            for (int j = 0; j < TilesN; j++) {
                float(&d)[4] = sums[i][j];
                float first = __shfl_xor_sync(AllLanes, odd ? d[0] : d[2], 1), second = __shfl_xor_sync(AllLanes, odd ? d[1] : d[3], 1);
                (odd ? d[0] : d[2]) = first;
                (odd ? d[1] : d[3]) = second;
            }
        }
    }

    static __device__ __forceinline__ int row(int i) { return firstRow() + i * 16 + group() + threadIdx.x % 2 * 8; }
    static __device__ __forceinline__ int column(int j) { return firstColumn() + j * 8 + member() / 2 * 4; }
    __device__ __forceinline__ float4 four(int i, int j) const { return make_float4(sums[i][j][0], sums[i][j][1], sums[i][j][2], sums[i][j][3]); }
};

template <int BM, int BN, int WM, int WN>
struct Tf32Along : Tf32Sums<BM, BN, WM, WN> {
    using Sums = Tf32Sums<BM, BN, WM, WN>;
    // The row that the lane names to ldmatrix, at its first chunk of either eight: 8×4 floats are to it 8×8 elements of 16 bits. 16 rows
    // further the two change places.
    int placesA[2], placesB[2];

    __device__ __forceinline__ Tf32Along() {
        int matrix = threadIdx.x % 32 / 8, row = threadIdx.x % 8;
#pragma unroll
        for (int eight = 0; eight < 2; eight++) {
            placesA[eight] = chunkPlace(Sums::firstRow() + matrix % 2 * 8 + row, eight * 2 + matrix / 2);
            placesB[eight] = chunkPlace(Sums::firstColumn() + matrix / 2 * 8 + row, eight * 2 + matrix % 2);
        }
    }

    __device__ __forceinline__ void add(const float* tileA, const float* tileB) {
#pragma unroll
        for (int eight = 0; eight < 2; eight++) {
            u32 b[Sums::TilesN][2];
#pragma unroll
            for (int j = 0; j < Sums::TilesN; j += 2) {
                u32 two[4];
                loadMatrices(two, tileB + placesB[(eight ^ j / 2) % 2] + j * 8 * Depth);
#pragma unroll
                for (int e = 0; e < 4; e++) b[j + e / 2][e % 2] = toTf32(__uint_as_float(two[e]));
            }
#pragma unroll
            for (int i = 0; i < Sums::TilesM; i++) {
                u32 a[4];
                loadMatrices(a, tileA + placesA[(eight ^ i) % 2] + i * 16 * Depth);
                this->multiply(i, a, b);
            }
        }
    }
};

template <int BM, int BN, int WM, int WN>
struct Tf32Across : Tf32Sums<BM, BN, WM, WN> {
    using Sums = Tf32Sums<BM, BN, WM, WN>;

    static __device__ __forceinline__ int place(int k, int column) { return column ^ k % 4 * 8; }

    // Where the lane's element of row `member` and of the tile's columns first + 8·eight stands.
    static __device__ __forceinline__ int placeOf(int pitch, int first, int eight) {
        return Sums::member() * pitch + first + eight / 4 * 32 + place(Sums::member(), eight % 4 * 8) + Sums::group();
    }

    __device__ __forceinline__ void add(const float* tileA, const float* tileB) {
#pragma unroll
        for (int eight = 0; eight < 2; eight++) {
            u32 b[Sums::TilesN][2];
#pragma unroll
            for (int j = 0; j < Sums::TilesN; j++) {
#pragma unroll
                for (int e = 0; e < 2; e++) b[j][e] = toTf32(tileB[placeOf(BN, Sums::firstColumn(), j) + (eight * 8 + e * 4) * BN]);
            }
#pragma unroll
            for (int i = 0; i < Sums::TilesM; i++) {
                u32 a[4];
#pragma unroll
                for (int e = 0; e < 4; e++) a[e] = __float_as_uint(tileA[placeOf(BM, Sums::firstRow(), i * 2 + e % 2) + (eight * 8 + e / 2 * 4) * BM]);
                this->multiply(i, a, b);
            }
        }
    }
};
