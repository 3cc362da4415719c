// What the convolution's matrix products share: extents, how a thread walks nested loops, and where results go.
#pragma once
#include "vector.cuh"

// Pixel (i, j) of `rows` by `columns` in each image, and tap (r, s), meet at the source's pixel (i·stride − padTop + r, j·stride − padLeft + s);
// outside of it are zeros. The result goes to the target's pixel (firstRow + i·spacing, firstColumn + j·spacing).
struct ConvProblem {
    int images, sourceH, sourceW, sourceC;
    int rows, columns, channels;
    int kernelH, kernelW, stride, padTop, padLeft;
    int targetH, targetW, spacing, firstRow, firstColumn;
};

// Three nested loops' indices.
struct Nest {
    int outer, middle, inner;
};

__device__ __forceinline__ Nest nestOf(int index, int middles, int inners) {
    int outerMiddle = index / inners;
    return {outerMiddle / middles, outerMiddle % middles, index % inners};
}

// Goes on by the number of innermost steps that `by` is the nest of.
__device__ __forceinline__ void advance(Nest& at, Nest by, int middles, int inners) {
    at.inner += by.inner;
    bool carry = at.inner >= inners;
    at.inner -= carry ? inners : 0;
    at.middle += by.middle + carry;
    carry = at.middle >= middles;
    at.middle -= carry ? middles : 0;
    at.outer += by.outer + carry;
}

// What is added to a product, each null for nothing. The residual may be y: the product is then added to what is there.
struct Addends {
    const float* bias;          // [channels]
    const float* channelAdd;    // [images, channels]
    const float* residual;      // like y
};

// y = sums + bias + channelAdd + residual for four neighbouring channels of pixel `m` of all images', as far as they exist.
__device__ __forceinline__ void finish(float* y, Addends add, const ConvProblem& e, int m, int channel, float4 sums) {
    Nest pixel = nestOf(m, e.rows, e.columns);
    long long at = (((long long)pixel.outer * e.targetH + e.firstRow + pixel.middle * e.spacing) * e.targetW + e.firstColumn + pixel.inner * e.spacing) * e.channels + channel;
    const float* imageAdd = add.channelAdd == nullptr ? nullptr : add.channelAdd + (long long)pixel.outer * e.channels;
    if (e.channels % 4 == 0 && isAligned16(y, add.bias, add.channelAdd, add.residual)) {
        if (add.bias != nullptr) sums = sums + load4(add.bias + channel);
        if (imageAdd != nullptr) sums = sums + load4(imageAdd + channel);
        if (add.residual != nullptr) sums = sums + load4(add.residual + at);
        store4(y + at, sums);
        return;
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        if (channel + i >= e.channels) break;
        float sum = component(sums, i);
        if (add.bias != nullptr) sum += add.bias[channel + i];
        if (imageAdd != nullptr) sum += imageAdd[channel + i];
        if (add.residual != nullptr) sum += add.residual[at + i];
        y[at + i] = sum;
    }
}
