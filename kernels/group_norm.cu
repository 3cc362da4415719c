// GroupNorm: x̂ = (x − mean)·rstd over each image's group of channels; h = x̂·γ + β, then h·(1 + scale) + shift if given; y = silu(h) if asked.
// x is [N, positions, C], scaleShift [N, 2C].
//
// A block takes a run of whole groups of one image, at least 32 bytes of every position, through all passes; grid (⌈groups/run⌉, N). Where
// its part of the image fits into shared memory it is read from device memory once. All sums are per channel first, each thread adding
// every so many-th position up and the threads of a channel adding pairwise (columns.cuh); groups come in only when their channels' sums
// are combined, by one warp each. So any width of a group runs at the same speed, and the bits are the same every time.
//
// Dynamic shared memory, in floats, with `channels` those of the block:
//   partial  2·max(threads·4, channels)      rows of sums (rows of threads × 2·channels at most; threads·1 where V is float)
//   tables   3·channels forward, 6·channels backward
//   slabs    positions·channels forward, twice that backward; none if not `staged`
#include "columns.cuh"
#include "reduce.cuh"

__device__ __forceinline__ float4 silu(float4 x) { return make_float4(silu(x.x), silu(x.y), silu(x.z), silu(x.w)); }
__device__ __forceinline__ float4 siluGradient(float4 x) { return make_float4(siluGradient(x.x), siluGradient(x.y), siluGradient(x.z), siluGradient(x.w)); }

__device__ __forceinline__ float* dynamicShared() {
    extern __shared__ __align__(16) float memory[];
    return memory;
}

// What a block and a thread of it work on.
template <class V>
struct Share {
    int group, groups, width;                       // the block's first group, its groups, the channels of each
    int channel, channels;                          // its first channel, its channels
    int lanes, rows, lane, row;                     // as in columns.cuh; a thread without a row has one beyond all
    long long at;                                   // of its first channel at position 0

    __device__ __forceinline__ Share(int positions, int allChannels, int allGroups, int run) {
        group = blockIdx.x * run;
        groups = min(run, allGroups - group);
        width = allChannels / allGroups;
        channel = group * width;
        channels = groups * width;
        lanes = min(channels / Width<V>, (int)blockDim.x);
        rows = blockDim.x / lanes;
        lane = threadIdx.x % lanes;
        row = threadIdx.x / lanes < rows ? threadIdx.x / lanes : 1 << 30;
        at = (long long)blockIdx.y * positions * allChannels + channel;
    }

    __device__ __forceinline__ float* tables() const { return dynamicShared() + 2 * max((int)blockDim.x * Width<V>, channels); }

    // body(c) for the first of each of the thread's channel vectors.
    template <class Body>
    __device__ __forceinline__ void forEachVector(Body body) const {
        for (int c = lane * Width<V>; c < channels; c += lanes * Width<V>) body(c);
    }

    // body(group, first) for each of the warp's groups and its first channel, all counted within the block.
    template <class Body>
    __device__ __forceinline__ void forEachGroup(Body body) const {
        for (int g = threadIdx.x / 32; g < groups; g += blockDim.x / 32) body(g, g * width);
    }

    // body(c) for the lane's channels of the group.
    template <class Body>
    __device__ __forceinline__ void forEachChannel(int first, Body body) const {
        for (int c = first + threadIdx.x % 32; c < first + width; c += 32) body(c);
    }

    __device__ __forceinline__ float groupSum(const float* sums, int first) const {
        float sum = 0;
        forEachChannel(first, [&](int c) { sum += sums[c]; });
        return warpSum(sum);
    }
};

// With which h = (x − mean)·factor + offset.
__device__ __forceinline__ float2 factorAndOffset(float gamma, float beta, float rstd, const float* scaleShift, int channels, int c) {
    float factor = gamma * rstd, offset = beta;
    if (scaleShift) {
        const float* scale = scaleShift + 2ll * blockIdx.y * channels + c;
        factor *= 1.0f + scale[0];
        offset = fmaf(offset, 1.0f + scale[0], scale[channels]);
    }
    return make_float2(factor, offset);
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// Forward. The variance is that of x minus a first mean, corrected by the mean of what is left: nothing cancels, however large the mean.
// 8 bytes per element if staged (else two more reads, mostly from the caches), about 10 FLOPs and an exponential.

template <class V>
__device__ __forceinline__ void groupNormForward(
    float* y, float* mean, float* rstd, const float* __restrict__ x, const float* gamma, const float* beta, const float* scaleShift, int positions,
    int channels, int groups, int run, float eps, int withSilu, int staged) {
    Share<V> s(positions, channels, groups, run);
    float *partial = dynamicShared(), *means = s.tables(), *factors = means + s.channels, *offsets = factors + s.channels, *slab = offsets + s.channels;
    float elements = (float)s.width * positions;

    s.forEachVector([&](int c) {
        V sum = zero<V>();
#pragma unroll 4
        for (int p = s.row; p < positions; p += s.rows) {
            V v = load<V>(x + s.at + (long long)p * channels + c);
            if (staged) store<V>(slab + p * s.channels + c, v);
            sum = sum + v;
        }
        if (s.row < s.rows) store<V>(partial + s.row * s.channels + c, sum);
    });
    addRows<V>(partial, s.channels, s.lane, s.row, s.lanes, s.rows);
    s.forEachGroup([&](int, int first) {
        float m = s.groupSum(partial, first) / elements;
        s.forEachChannel(first, [&](int c) { means[c] = m; });
    });
    __syncthreads();

    const float* source = staged ? slab : x + s.at;
    long long stride = staged ? s.channels : channels;
    s.forEachVector([&](int c) {
        V m = load<V>(means + c), sum = zero<V>(), squares = zero<V>();
#pragma unroll 4
        for (int p = s.row; p < positions; p += s.rows) {
            V d = load<V>(source + p * stride + c) - m;
            sum = sum + d;
            squares = squares + d * d;
        }
        if (s.row < s.rows) {
            store<V>(partial + 2 * s.row * s.channels + c, sum);
            store<V>(partial + (2 * s.row + 1) * s.channels + c, squares);
        }
    });
    addRows<V>(partial, 2 * s.channels, s.lane, s.row, s.lanes, s.rows);
    s.forEachGroup([&](int g, int first) {
        float before = means[first];
        float correction = s.groupSum(partial, first) / elements, square = s.groupSum(partial + s.channels, first) / elements;
        float m = before + correction, r = 1.0f / sqrtf(max(square - correction * correction, 0.0f) + eps);
        __syncwarp();
        s.forEachChannel(first, [&](int c) {
            float2 a = factorAndOffset(gamma[s.channel + c], beta[s.channel + c], r, scaleShift, channels, s.channel + c);
            means[c] = m;
            factors[c] = a.x;
            offsets[c] = a.y;
        });
        if (threadIdx.x % 32 == 0) {
            mean[(long long)blockIdx.y * groups + s.group + g] = m;
            rstd[(long long)blockIdx.y * groups + s.group + g] = r;
        }
    });
    __syncthreads();

    s.forEachVector([&](int c) {
        V m = load<V>(means + c), factor = load<V>(factors + c), offset = load<V>(offsets + c);
#pragma unroll 4
        for (int p = s.row; p < positions; p += s.rows) {
            V h = (load<V>(source + p * stride + c) - m) * factor + offset;
            store<V>(y + s.at + (long long)p * channels + c, withSilu ? silu(h) : h);
        }
    });
}

KERNEL __launch_bounds__(512) group_norm_forward(
    float* y, float* mean, float* rstd, const float* x, const float* gamma, const float* beta, const float* scaleShift, int positions, int channels, int groups,
    int run, float eps, int withSilu, int staged, int vectors) {
    if (vectors) {
        groupNormForward<float4>(y, mean, rstd, x, gamma, beta, scaleShift, positions, channels, groups, run, eps, withSilu, staged);
    } else {
        groupNormForward<float>(y, mean, rstd, x, gamma, beta, scaleShift, positions, channels, groups, run, eps, withSilu, staged);
    }
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// Backward. With dh = dy·silu'(h), k = 1 + scale, S = Σ dh and M = Σ dh·x̂ of each image's channel:
//   dx (+)= rstd·(k·γ·dh − (Σ k·γ·S + x̂·Σ k·γ·M)/elements), the sums over the group's channels
//   parts[n] = (k·M of every channel, k·S of every channel), which group_norm_parameters adds up to dgamma and dbeta
//   dScaleShift (+)= (γ·M + β·S, S)
// dx, parts and dScaleShift may be null. 12 bytes per element if staged (else 20), 16 when accumulating; about 25 FLOPs and an exponential.

template <class V>
__device__ __forceinline__ void groupNormBackward(
    float* dx, float* parts, float* dScaleShift, const float* __restrict__ dy, const float* __restrict__ x, const float* gamma, const float* beta,
    const float* scaleShift, const float* mean, const float* rstd, int positions, int channels, int groups, int run, int withSilu, int accumulateX,
    int accumulateScaleShift, int staged) {
    Share<V> s(positions, channels, groups, run);
    float *partial = dynamicShared(), *means = s.tables(), *factors = means + s.channels, *offsets = factors + s.channels;
    float *gains = offsets + s.channels, *slopes = gains + s.channels, *shifts = slopes + s.channels;
    float *slabX = shifts + s.channels, *slabDh = slabX + positions * s.channels;
    float elements = (float)s.width * positions;
    long long firstGroup = (long long)blockIdx.y * groups + s.group;

    for (int c = threadIdx.x; c < s.channels; c += blockDim.x) {
        float2 a = factorAndOffset(gamma[s.channel + c], beta[s.channel + c], rstd[firstGroup + c / s.width], scaleShift, channels, s.channel + c);
        means[c] = mean[firstGroup + c / s.width];
        factors[c] = a.x;
        offsets[c] = a.y;
    }
    __syncthreads();

    // dh and x − mean, from device memory.
    auto gradient = [&](long long at, V m, V factor, V offset, V& d, V& centred) {
        centred = load<V>(x + at) - m;
        d = load<V>(dy + at);
        if (withSilu) d = d * siluGradient(centred * factor + offset);
    };
    s.forEachVector([&](int c) {
        V m = load<V>(means + c), factor = load<V>(factors + c), offset = load<V>(offsets + c), sum = zero<V>(), moment = zero<V>();
#pragma unroll 2
        for (int p = s.row; p < positions; p += s.rows) {
            V d, centred;
            gradient(s.at + (long long)p * channels + c, m, factor, offset, d, centred);
            if (staged) {
                store<V>(slabX + p * s.channels + c, centred);
                store<V>(slabDh + p * s.channels + c, d);
            }
            sum = sum + d;
            moment = moment + d * centred;
        }
        if (s.row < s.rows) {
            store<V>(partial + 2 * s.row * s.channels + c, sum);
            store<V>(partial + (2 * s.row + 1) * s.channels + c, moment);
        }
    });
    addRows<V>(partial, 2 * s.channels, s.lane, s.row, s.lanes, s.rows);

    s.forEachGroup([&](int g, int first) {
        float r = rstd[firstGroup + g], sum = 0, moment = 0;
        s.forEachChannel(first, [&](int c) {
            int channel = s.channel + c;
            long long pair = 2ll * blockIdx.y * channels + channel;
            float sumH = partial[c], momentH = partial[s.channels + c] * r, k = scaleShift ? 1.0f + scaleShift[pair] : 1.0f, gain = k * gamma[channel];
            if (parts) {
                parts[pair] = k * momentH;
                parts[pair + channels] = k * sumH;
            }
            if (dScaleShift) {
                float dScale = gamma[channel] * momentH + beta[channel] * sumH;
                dScaleShift[pair] = accumulateScaleShift ? dScaleShift[pair] + dScale : dScale;
                dScaleShift[pair + channels] = accumulateScaleShift ? dScaleShift[pair + channels] + sumH : sumH;
            }
            sum += gain * sumH;
            moment += gain * momentH;
            gains[c] = gain * r;
        });
        sum = -r * warpSum(sum) / elements;
        moment = -r * r * warpSum(moment) / elements;
        s.forEachChannel(first, [&](int c) {
            slopes[c] = moment;
            shifts[c] = sum;
        });
    });
    if (!dx) return;
    __syncthreads();

    s.forEachVector([&](int c) {
        V m = load<V>(means + c), factor = load<V>(factors + c), offset = load<V>(offsets + c);
        V gain = load<V>(gains + c), slope = load<V>(slopes + c), shift = load<V>(shifts + c);
#pragma unroll 2
        for (int p = s.row; p < positions; p += s.rows) {
            long long at = s.at + (long long)p * channels + c;
            V d, centred;
            if (staged) {
                centred = load<V>(slabX + p * s.channels + c);
                d = load<V>(slabDh + p * s.channels + c);
            } else {
                gradient(at, m, factor, offset, d, centred);
            }
            d = d * gain + (centred * slope + shift);
            store<V>(dx + at, accumulateX ? load<V>(dx + at) + d : d);
        }
    });
}

KERNEL __launch_bounds__(512) group_norm_backward(
    float* dx, float* parts, float* dScaleShift, const float* dy, const float* x, const float* gamma, const float* beta, const float* scaleShift, const float* mean,
    const float* rstd, int positions, int channels, int groups, int run, int withSilu, int accumulateX, int accumulateScaleShift, int staged, int vectors) {
    if (vectors) {
        groupNormBackward<float4>(
            dx, parts, dScaleShift, dy, x, gamma, beta, scaleShift, mean, rstd, positions, channels, groups, run, withSilu, accumulateX, accumulateScaleShift, staged);
    } else {
        groupNormBackward<float>(
            dx, parts, dScaleShift, dy, x, gamma, beta, scaleShift, mean, rstd, positions, channels, groups, run, withSilu, accumulateX, accumulateScaleShift, staged);
    }
}

// dgamma, dbeta (+)= Σ over images of parts, [N, 2C]; one of them may be null. A block of 256 threads takes 32 of the 2C columns, 8 images at a time; grid ⌈2C/32⌉.
// 4 bytes and 1 FLOP per element of parts.
KERNEL group_norm_parameters(float* dgamma, float* dbeta, const float* parts, int images, int channels, int accumulateGamma, int accumulateBeta) {
    constexpr int lanes = 32, rows = 8;
    __shared__ float partial[rows * lanes];
    int lane = threadIdx.x % lanes, row = threadIdx.x / lanes, column = blockIdx.x * lanes + lane;
    float sum = 0;
    if (column < 2 * channels) {
#pragma unroll 4
        for (int n = row; n < images; n += rows) sum += parts[2ll * n * channels + column];
    }
    partial[threadIdx.x] = sum;
    addRows<float>(partial, lanes, lane, row, lanes, rows);
    if (row == 0 && column < 2 * channels) {
        bool isGamma = column < channels;
        float* target = isGamma ? dgamma : dbeta;
        if (!target) return;
        target += isGamma ? column : column - channels;
        *target = (isGamma ? accumulateGamma : accumulateBeta) ? *target + partial[lane] : partial[lane];
    }
}
