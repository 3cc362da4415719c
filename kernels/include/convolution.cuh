// Conv2d in NHWC as matrix products whose factors are gathered while they are read (implicit GEMM).
//
// Tiles of both factors, 16 deep, travel by asynchronous copies through three buffers in shared memory: 16 bytes at a time where channels
// come in fours and addresses are aligned, else 4. How a block multiplies two tiles, and in which precision, is the Product's matter
// (tile_products.cuh).
//
// Where there are fewer tiles than the GPU takes, the summed extent is split among blockIdx.z; each part goes to `partials`
// [parts, M, channels rounded up to 4], and conv2d_finish adds the parts in order. No result depends on the order of blocks.
#pragma once
#include "async_copy.cuh"
#include "implicit_gemm.cuh"
#include "tile_products.cuh"

constexpr int Buffers = 3;

// Adds `steps` products of tiles, while copyStep(buffer), called in turn, sends for the tiles of the step after next.
template <class Product, int SizeA, int SizeB, class CopyStep>
__device__ __forceinline__ void addSteps(
    Product& product, int steps, const float (&tilesA)[Buffers][SizeA], const float (&tilesB)[Buffers][SizeB], CopyStep copyStep) {
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
        product.add(tilesA[buffer], tilesB[buffer]);
        buffer = buffer == Buffers - 1 ? 0 : buffer + 1;
    }
}

// Stores a thread's sums: each as finished results, or as one part of them.
template <class Product>
__device__ __forceinline__ void storeSums(float* y, float* partials, Addends add, const ConvProblem& e, int m, int pixels, int n, Product& product) {
    int pitch = ceilDivide(e.channels, 4) * 4;
    product.gather();
#pragma unroll
    for (int i = 0; i < Product::RowsOfThread; i++) {
        int pixel = m + Product::row(i);
        if (pixel >= pixels) continue;
#pragma unroll
        for (int j = 0; j < Product::FoursOfRow; j++) {
            int channel = n + Product::column(j);
            if (channel >= e.channels) continue;
            float4 four = product.four(i, j);
            if (partials == nullptr) finish(y, add, e, pixel, channel, four);
            else store4(partials + ((long long)blockIdx.z * pixels + pixel) * pitch + channel, four);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// Forward, and backward to the input with weights from conv2d_turn_weights:
//   y[m, n] = Σ_k x[pixel m at k's tap, k's channel] · w[n, k] + …, k = (r, s, c); M pixels of all images, N = channels, K = kernelH·kernelW·sourceC.
// Both factors lie in memory along k, and so they do in shared memory: rows of 16.
// Block: Product::Threads; grid: (tiles of M × tiles of N, 1, parts). 2·M·N·K FLOPs.

template <class Product>
__device__ __forceinline__ void convolve(float* y, float* partials, const float* x, const float* w, Addends add, const ConvProblem& e, int stepsPerPart) {
    constexpr int BM = Product::Rows, BN = Product::Columns, RowsAtOnce = Product::Threads / 4, RowsA = BM / RowsAtOnce, RowsB = BN / RowsAtOnce;
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

    Product product;
    addSteps(product, steps, tilesA, tilesB, copyStep);
    storeSums(y, partials, add, e, m, pixels, n, product);
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// Backward to the weights: dw[m, n] = Σ_p dy[p, m] · x[pixel p at n's tap, n's channel], n = (r, s, c); M outputs, N = kernelH·kernelW·sourceC
// and each a sum over all pixels. Both factors lie across p, and so they do in shared memory: 16 rows of BM and BN.
// `e` is the forward's; `result` says where dw's rows go. Block and grid as above.

template <class Product>
__device__ __forceinline__ void correlate(float* dw, float* partials, const float* dy, const float* x, const float* residual, const ConvProblem& e, const ConvProblem& result, int stepsPerPart) {
    constexpr int BM = Product::Rows, BN = Product::Columns, AtOnceA = Product::Threads / (BM / 4), AtOnceB = Product::Threads / (BN / 4);
    static_assert(Depth % AtOnceA == 0 && Depth % AtOnceB == 0, "each thread copies whole chunks");
    static_assert(AtOnceA % 4 == 0 && AtOnceB % 4 == 0, "so that a thread's chunks have the same place in each of its rows");
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

    int placeA = copyRowA * BM + Product::place(copyRowA, columnA), placeB = copyRowB * BN + Product::place(copyRowB, columnB);
    auto copyStep = [&](int buffer) {
#pragma unroll
        for (int i = 0; i < Depth / AtOnceA; i++, pixelA += AtOnceA) {
            float* place = tilesA[buffer] + placeA + i * AtOnceA * BM;
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
            float* place = tilesB[buffer] + placeB + i * AtOnceB * BN;
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

    Product product;
    addSteps(product, steps, tilesA, tilesB, copyStep);
    storeSums(dw, partials, {nullptr, nullptr, residual}, result, m, outputs, n, product);
}
