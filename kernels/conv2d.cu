// Conv2d in NHWC as matrix products whose factors are gathered while they are read (implicit GEMM); float32.
//
// Tiles of both factors, 16 deep, travel by asynchronous copies through three buffers in shared memory: 16 bytes at a time where channels
// come in fours and addresses are aligned, else 4. A warp's lanes stand 8 by 4; each holds TM×TN sums. Lane bit 0 belongs to the columns and
// bit 1 to the rows, so that either factor's address is the same for one of a lane's neighbours: shared memory then serves half a warp's
// reads at once.
//
// Where there are fewer tiles than the GPU takes, the summed extent is split among blockIdx.z; each part goes to `partials`
// [parts, M, channels rounded up to 4], and conv2d_finish adds the parts in order. No result depends on the order of blocks.
#include "async_copy.cuh"
#include "implicit_gemm.cuh"

constexpr int Depth = 16, Buffers = 3;

__device__ __forceinline__ int laneRow() { return (threadIdx.x >> 1 & 1) | (threadIdx.x >> 2 & 6); }
__device__ __forceinline__ int laneColumn() { return (threadIdx.x & 1) | (threadIdx.x >> 1 & 2); }

// Stores a thread's sums: each as finished results, or as one part of them.
template <class Row, class Column, int TM, int TN>
__device__ __forceinline__ void storeSums(
    float* y, float* partials, Addends add, const ConvProblem& e, int m, int pixels, int n, const float (&sums)[TM][TN], Row row, Column column) {
    int pitch = ceilDivide(e.channels, 4) * 4;
#pragma unroll
    for (int i = 0; i < TM; i++) {
        int pixel = m + row(i);
        if (pixel >= pixels) continue;
#pragma unroll
        for (int j = 0; j < TN; j += 4) {
            int channel = n + column(j);
            if (channel >= e.channels) continue;
            float4 four = make_float4(sums[i][j], sums[i][j + 1], sums[i][j + 2], sums[i][j + 3]);
            if (partials == nullptr) finish(y, add, e, pixel, channel, four);
            else store4(partials + ((long long)blockIdx.z * pixels + pixel) * pitch + channel, four);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// Forward, and backward to the input with weights from conv2d_turn_weights:
//   y[m, n] = Σ_k x[pixel m at k's tap, k's channel] · w[n, k] + …, k = (r, s, c); M pixels of all images, N = channels, K = kernelH·kernelW·sourceC.
// Both factors lie in memory along k, and so they do in shared memory: rows of 16, read 2 deep (4 would need more registers than there are).
// The four chunks of a row change places by row, which leaves no two lanes that read at once in the same bank.
// Block: BM·BN/(TM·TN) threads; grid: (tiles of M × tiles of N, 1, parts). 2·M·N·K FLOPs.

__device__ __forceinline__ int chunkPlace(int row, int chunk) { return row * Depth + ((chunk ^ row >> 1 ^ row >> 3) & 3) * 4; }

template <int BM, int BN, int TM, int TN>
__device__ __forceinline__ void convolve(float* y, float* partials, const float* x, const float* w, Addends add, const ConvProblem& e, int stepsPerPart) {
    constexpr int Threads = BM * BN / (TM * TN), RowsAtOnce = Threads / 4, RowsA = BM / RowsAtOnce, RowsB = BN / RowsAtOnce;
    static_assert(RowsA * RowsAtOnce == BM && RowsB * RowsAtOnce == BN, "each thread copies whole chunks");
    __shared__ __align__(16) float tilesA[Buffers][BM * Depth];
    __shared__ __align__(16) float tilesB[Buffers][BN * Depth];

    int pixels = e.images * e.rows * e.columns, depth = e.kernelH * e.kernelW * e.sourceC;
    int tilesN = ceilDivide(e.channels, BN), m = blockIdx.x / tilesN * BM, n = blockIdx.x % tilesN * BN;
    int firstStep = blockIdx.z * stepsPerPart, steps = min(ceilDivide(depth, Depth) - firstStep, stepsPerPart);
    bool fours = e.sourceC % 4 == 0 && isAligned16(x, w);

    // The thread copies chunk `chunk` of some rows. A row of A is a pixel: where its tap (0, 0) lies, far outside if there is no such pixel,
    // and how far that is from the tile's first image.
    int chunk = threadIdx.x % 4, copyRow = threadIdx.x / 4;
    int k = firstStep * Depth + chunk * 4;
    Nest tap = nestOf(k, e.kernelW, e.sourceC), stepTap = nestOf(Depth, e.kernelW, e.sourceC);
    int firstImage = m / (e.rows * e.columns);
    const float* images = x + (long long)firstImage * e.sourceH * e.sourceW * e.sourceC;
    int top[RowsA], left[RowsA], corner[RowsA];
#pragma unroll
    for (int i = 0; i < RowsA; i++) {
        int row = m + copyRow + i * RowsAtOnce;
        Nest pixel = nestOf(row, e.rows, e.columns);
        top[i] = row < pixels ? pixel.middle * e.stride - e.padTop : -(1 << 30);
        left[i] = pixel.inner * e.stride - e.padLeft;
        corner[i] = (((pixel.outer - firstImage) * e.sourceH + pixel.middle * e.stride - e.padTop) * e.sourceW + left[i]) * e.sourceC;
    }
    const float* weights = w + (long long)(n + copyRow) * depth + k;

    auto isInside = [&](int i, Nest at) {
        return at.outer < e.kernelH && (u32)(top[i] + at.outer) < (u32)e.sourceH && (u32)(left[i] + at.middle) < (u32)e.sourceW;
    };
    auto copyStep = [&](int buffer) {
        int place = chunkPlace(copyRow, chunk);     // RowsAtOnce further on the chunks' order is the same
        static_assert(RowsAtOnce % 32 == 0, "else it is not");
        if (fours) {
            int offset = (tap.outer * e.sourceW + tap.middle) * e.sourceC + tap.inner;
#pragma unroll
            for (int i = 0; i < RowsA; i++) copyAsync16(tilesA[buffer] + place + i * RowsAtOnce * Depth, images + (corner[i] + offset), isInside(i, tap));
#pragma unroll
            for (int i = 0; i < RowsB; i++) {
                bool isThere = n + copyRow + i * RowsAtOnce < e.channels && tap.outer < e.kernelH;
                copyAsync16(tilesB[buffer] + place + i * RowsAtOnce * Depth, weights + (long long)i * RowsAtOnce * depth, isThere);
            }
        } else {
            Nest at = tap;
#pragma unroll 1
            for (int part = 0; part < 4; part++) {
                int offset = (at.outer * e.sourceW + at.middle) * e.sourceC + at.inner;
#pragma unroll
                for (int i = 0; i < RowsA; i++) copyAsync4(tilesA[buffer] + place + part + i * RowsAtOnce * Depth, images + (corner[i] + offset), isInside(i, at));
#pragma unroll
                for (int i = 0; i < RowsB; i++) {
                    bool isThere = n + copyRow + i * RowsAtOnce < e.channels && at.outer < e.kernelH;
                    copyAsync4(tilesB[buffer] + place + part + i * RowsAtOnce * Depth, weights + part + (long long)i * RowsAtOnce * depth, isThere);
                }
                advance(at, {0, 0, 1}, e.kernelW, e.sourceC);
            }
        }
        advance(tap, stepTap, e.kernelW, e.sourceC);
        weights += Depth;
    };

    constexpr int WarpsM = BM / (8 * TM);
    int warp = threadIdx.x / 32;
    int rowA = warp % WarpsM * 8 * TM + laneRow(), rowB = warp / WarpsM * 4 * TN + laneColumn() * 4;
    auto row = [&](int i) { return rowA + i * 8; };
    auto column = [&](int j) { return rowB + j / 4 * 16 + j % 4; };

    // chunkPlace(row(i), c) is that of rowA and chunk c ^ i, and so many rows further: four places, known before the loop, are enough.
    int placesA[4], placesB[4];
#pragma unroll
    for (int c = 0; c < 4; c++) placesA[c] = chunkPlace(rowA, c), placesB[c] = chunkPlace(rowB, c);

    float sums[TM][TN] = {};
    for (int i = 0; i < Buffers - 1; i++) {
        if (i < steps) copyStep(i);
        commitCopies();
    }
    int buffer = 0;
    for (int step = 0; step < steps; step++) {
        waitCopies<Buffers - 2>();
        __syncthreads();                            // this step's tiles are whole, and the buffer before them is free
        if (step + Buffers - 1 < steps) copyStep(buffer == 0 ? Buffers - 1 : buffer - 1);
        commitCopies();
        const float *tileA = tilesA[buffer], *tileB = tilesB[buffer];
#pragma unroll
        for (int c = 0; c < Depth / 2; c++) {
            float2 a[TM];
#pragma unroll
            for (int i = 0; i < TM; i++) a[i] = load2(tileA + placesA[(c / 2 ^ i) % 4] + c % 2 * 2 + (row(i) - rowA) * Depth);
#pragma unroll
            for (int j = 0; j < TN; j++) {
                float2 b = load2(tileB + placesB[(c / 2 ^ j % 4 / 2 ^ j / 4 * 2) % 4] + c % 2 * 2 + (column(j) - rowB) * Depth);
#pragma unroll
                for (int i = 0; i < TM; i++) {
                    sums[i][j] += a[i].x * b.x;
                    sums[i][j] += a[i].y * b.y;
                }
            }
        }
        buffer = buffer == Buffers - 1 ? 0 : buffer + 1;
    }
    storeSums(y, partials, add, e, m, pixels, n, sums, row, column);
}

#define CONVOLVE(BM, BN, TM, TN, BLOCKS)                                                                                                     \
    KERNEL __launch_bounds__(BM * BN / (TM * TN), BLOCKS) conv2d_##BM##x##BN(                                                                \
        float* y, float* partials, const float* x, const float* w, const float* bias, const float* channelAdd, const float* residual,        \
        ConvProblem e, int stepsPerPart) {                                                                                                   \
        convolve<BM, BN, TM, TN>(y, partials, x, w, {bias, channelAdd, residual}, e, stepsPerPart);                                          \
    }
CONVOLVE(128, 128, 8, 8, 2)
CONVOLVE(64, 64, 8, 4, 4)
CONVOLVE(128, 32, 8, 4, 4)
CONVOLVE(32, 128, 4, 8, 4)

// turned[c][i][j][o] = w[o][r][s][c] with r = firstR + spacing·(rows − 1 − i), s alike: the taps that reach the pixels of one residue modulo
// the stride, in reverse. Block (32, 8); grid: (channels/32, outputs/32, rows·columns). 8 bytes per element.
KERNEL conv2d_turn_weights(float* turned, const float* w, int outputs, int channels, int kernel, int rows, int columns, int firstR, int firstS, int spacing) {
    __shared__ float tile[32][33];
    int i = blockIdx.z / columns, j = blockIdx.z % columns;
    int r = firstR + spacing * (rows - 1 - i), s = firstS + spacing * (columns - 1 - j);
    int c = blockIdx.x * 32 + threadIdx.x;
#pragma unroll
    for (int line = threadIdx.y; line < 32; line += 8) {
        int o = blockIdx.y * 32 + line;
        if (o < outputs && c < channels) tile[line][threadIdx.x] = w[(((long long)o * kernel + r) * kernel + s) * channels + c];
    }
    __syncthreads();
    int o = blockIdx.y * 32 + threadIdx.x;
#pragma unroll
    for (int line = threadIdx.y; line < 32; line += 8) {
        int channel = blockIdx.x * 32 + line;
        if (o < outputs && channel < channels) turned[(((long long)channel * rows + i) * columns + j) * outputs + o] = tile[threadIdx.x][line];
    }
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// Backward to the weights: dw[m, n] = Σ_p dy[p, m] · x[pixel p at n's tap, n's channel], n = (r, s, c); M outputs, N = kernelH·kernelW·sourceC
// and as many sums as there are pixels. Both factors lie across p, and so they do in shared memory: 16 rows of BM and BN.
// `e` is the forward's; `result` says where dw's rows go. Block and grid as above.

template <int BM, int BN, int TM, int TN>
__device__ __forceinline__ void correlate(float* dw, float* partials, const float* dy, const float* x, const float* residual, const ConvProblem& e, const ConvProblem& result, int stepsPerPart) {
    constexpr int Threads = BM * BN / (TM * TN), AtOnceA = Threads / (BM / 4), AtOnceB = Threads / (BN / 4);
    static_assert(Depth % AtOnceA == 0 && Depth % AtOnceB == 0, "each thread copies whole chunks");
    __shared__ __align__(16) float tilesA[Buffers][Depth * BM];
    __shared__ __align__(16) float tilesB[Buffers][Depth * BN];

    int pixels = e.images * e.rows * e.columns, outputs = e.channels, inputs = result.channels;
    int tilesN = ceilDivide(inputs, BN), m = blockIdx.x / tilesN * BM, n = blockIdx.x % tilesN * BN;
    int firstStep = blockIdx.z * stepsPerPart, steps = min(ceilDivide(pixels, Depth) - firstStep, stepsPerPart);
    bool foursA = outputs % 4 == 0 && isAligned16(dy), foursB = e.sourceC % 4 == 0 && isAligned16(x);

    int columnA = threadIdx.x % (BM / 4) * 4, copyRowA = threadIdx.x / (BM / 4), output = m + columnA;
    int columnB = threadIdx.x % (BN / 4) * 4, copyRowB = threadIdx.x / (BN / 4), input = n + columnB;
    int pixelA = firstStep * Depth + copyRowA;
    Nest tap = nestOf(input, e.kernelW, e.sourceC);
    Nest pixelB = nestOf(firstStep * Depth + copyRowB, e.rows, e.columns), stepB = nestOf(AtOnceB, e.rows, e.columns);

    auto copyStep = [&](int buffer) {
#pragma unroll
        for (int i = 0; i < Depth / AtOnceA; i++, pixelA += AtOnceA) {
            float* place = tilesA[buffer] + (copyRowA + i * AtOnceA) * BM + columnA;
            const float* source = dy + (long long)pixelA * outputs + output;
            if (foursA) {
                copyAsync16(place, source, pixelA < pixels && output < outputs);
            } else {
#pragma unroll
                for (int part = 0; part < 4; part++) copyAsync4(place + part, source + part, pixelA < pixels && output + part < outputs);
            }
        }
#pragma unroll
        for (int i = 0; i < Depth / AtOnceB; i++) {
            float* place = tilesB[buffer] + (copyRowB + i * AtOnceB) * BN + columnB;
            int top = pixelB.outer < e.images ? pixelB.middle * e.stride - e.padTop : -(1 << 30), left = pixelB.inner * e.stride - e.padLeft;
            const float* image = x + (long long)pixelB.outer * e.sourceH * e.sourceW * e.sourceC;
            auto isInside = [&](Nest at) { return at.outer < e.kernelH && (u32)(top + at.outer) < (u32)e.sourceH && (u32)(left + at.middle) < (u32)e.sourceW; };
            auto source = [&](Nest at) { return image + ((long long)(top + at.outer) * e.sourceW + left + at.middle) * e.sourceC + at.inner; };
            if (foursB) {
                copyAsync16(place, source(tap), isInside(tap));
            } else {
                Nest at = tap;
#pragma unroll 1
                for (int part = 0; part < 4; part++) {
                    copyAsync4(place + part, source(at), isInside(at));
                    advance(at, {0, 0, 1}, e.kernelW, e.sourceC);
                }
            }
            advance(pixelB, stepB, e.rows, e.columns);
        }
    };

    constexpr int WarpsM = BM / (8 * TM);
    int warp = threadIdx.x / 32;
    int firstA = warp % WarpsM * 8 * TM + laneRow() * 4, firstB = warp / WarpsM * 4 * TN + laneColumn() * 4;
    auto row = [&](int i) { return firstA + i / 4 * 32 + i % 4; };
    auto column = [&](int j) { return firstB + j / 4 * 16 + j % 4; };

    float sums[TM][TN] = {};
    for (int i = 0; i < Buffers - 1; i++) {
        if (i < steps) copyStep(i);
        commitCopies();
    }
    int buffer = 0;
    for (int step = 0; step < steps; step++) {
        waitCopies<Buffers - 2>();
        __syncthreads();                            // this step's tiles are whole, and the buffer before them is free
        if (step + Buffers - 1 < steps) copyStep(buffer == 0 ? Buffers - 1 : buffer - 1);
        commitCopies();
        const float *tileA = tilesA[buffer], *tileB = tilesB[buffer];
#pragma unroll
        for (int k = 0; k < Depth; k++) {
            float4 a[TM / 4], b[TN / 4];
#pragma unroll
            for (int i = 0; i < TM / 4; i++) a[i] = load4(tileA + k * BM + row(i * 4));
#pragma unroll
            for (int j = 0; j < TN / 4; j++) b[j] = load4(tileB + k * BN + column(j * 4));
#pragma unroll
            for (int i = 0; i < TM; i++) {
#pragma unroll
                for (int j = 0; j < TN; j++) sums[i][j] += component(a[i / 4], i % 4) * component(b[j / 4], j % 4);
            }
        }
        buffer = buffer == Buffers - 1 ? 0 : buffer + 1;
    }
    storeSums(dw, partials, {nullptr, nullptr, residual}, result, m, outputs, n, sums, row, column);
}

#define CORRELATE(BM, BN, TM, TN, BLOCKS)                                                                                                    \
    KERNEL __launch_bounds__(BM * BN / (TM * TN), BLOCKS) conv2d_weights_##BM##x##BN(                                                        \
        float* dw, float* partials, const float* dy, const float* x, const float* residual, ConvProblem e, ConvProblem result, int stepsPerPart) { \
        correlate<BM, BN, TM, TN>(dw, partials, dy, x, residual, e, result, stepsPerPart);                                                   \
    }
CORRELATE(128, 128, 8, 8, 2)
CORRELATE(64, 64, 8, 4, 4)
CORRELATE(128, 32, 8, 4, 4)
CORRELATE(32, 128, 4, 8, 4)

// ---------------------------------------------------------------------------------------------------------------------------------------
// Adds up the parts of a split sum, in order, and finishes the result. Four channels per thread, blocks of 256 threads.
// 4·parts bytes per element, and what `finish` needs.

KERNEL conv2d_finish(float* y, const float* partials, const float* bias, const float* channelAdd, const float* residual, ConvProblem e, int parts) {
    int pixels = e.images * e.rows * e.columns, groups = ceilDivide(e.channels, 4);
    long long at = (long long)blockIdx.x * blockDim.x + threadIdx.x, part = (long long)pixels * groups;
    if (at >= part) return;
    float4 sums = load4(partials + at * 4);
    for (int i = 1; i < parts; i++) sums = sums + load4(partials + (i * part + at) * 4);
    finish(y, {bias, channelAdd, residual}, e, (int)(at / groups), (int)(at % groups) * 4, sums);
}
