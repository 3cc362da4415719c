// The emulated version of kernels/include/mma.cuh: the warp's fragments are put together, multiplied by loops, and taken apart again.
#pragma once
#include "common.cuh"

static inline float emuDropBits(float value, int dropped, bool tiesToEven) {
    u32 bits = __float_as_uint(value);
    if (isfinite(value)) bits += (1u << (dropped - 1)) - (tiesToEven ? 1 - (bits >> dropped & 1) : 0);
    return __uint_as_float(bits & ~((1u << dropped) - 1));
}

// Of any NaN this instruction makes the same one. That of tf32 below, which the compiler replaces by a comparison with infinity, an addition and
// a mask, lets a NaN be: one with nothing but low bits becomes infinity.
static inline u32 emuBf16(float value) { return isnan(value) ? 0x7fffu : __float_as_uint(emuDropBits(value, 16, true)) >> 16; }

static inline u32 packBf16(float first, float second) { return emuBf16(first) | emuBf16(second) << 16; }
static inline float bf16Low(u32 packed) { return __uint_as_float(packed << 16); }
static inline float bf16High(u32 packed) { return __uint_as_float(packed & 0xffff0000u); }
static inline u32 toTf32(float value) { return __float_as_uint(emuDropBits(value, 13, false)); }

struct EmuFragments {
    float* d;
    const u32 *a, *b;
};

// d[16][8] += a[16][K]·b[K][8] over the fragments of all lanes.
template <int K, class ReadA, class ReadB> static inline void emuMultiply(void** lanes, ReadA readA, ReadB readB) {
    float a[16][K], b[K][8];
    for (int lane = 0; lane < 32; lane++) {
        readA(a, *(EmuFragments*)lanes[lane], lane / 4, lane % 4);
        readB(b, *(EmuFragments*)lanes[lane], lane / 4, lane % 4);
    }
    for (int lane = 0; lane < 32; lane++) {
        auto& f = *(EmuFragments*)lanes[lane];
        for (int i = 0; i < 4; i++) {
            int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
            double sum = f.d[i];
            for (int k = 0; k < K; k++) sum += (double)a[row][k] * b[k][column];
            f.d[i] = (float)sum;
        }
    }
}

#define mmaBf16(d, a, b) emuMmaBf16(d, a, b, __FILE__, __LINE__)
static inline void emuMmaBf16(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2], const char* file, int line) {
    EmuFragments mine{d, a, b};
    emuWarp("mma (bf16)", AllLanes, &mine, [](void** lanes, uint32_t) {
        emuMultiply<16>(lanes,
            [](float (&m)[16][16], const EmuFragments& f, int group, int member) {
                for (int i = 0; i < 4; i++) {
                    m[group + i % 2 * 8][member * 2 + i / 2 * 8] = bf16Low(f.a[i]);
                    m[group + i % 2 * 8][member * 2 + i / 2 * 8 + 1] = bf16High(f.a[i]);
                }
            },
            [](float (&m)[16][8], const EmuFragments& f, int group, int member) {
                for (int i = 0; i < 2; i++) {
                    m[member * 2 + i * 8][group] = bf16Low(f.b[i]);
                    m[member * 2 + i * 8 + 1][group] = bf16High(f.b[i]);
                }
            });
    }, file, line);
}

#define mmaTf32(d, a, b) emuMmaTf32(d, a, b, __FILE__, __LINE__)
static inline void emuMmaTf32(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2], const char* file, int line) {
    EmuFragments mine{d, a, b};
    emuWarp("mma (tf32)", AllLanes, &mine, [](void** lanes, uint32_t) {
        // The hardware looks at the upper 19 bits only, whatever the rest is.
        auto read = [](u32 bits) { return __uint_as_float(bits & ~0x1fffu); };
        emuMultiply<8>(lanes,
            [=](float (&m)[16][8], const EmuFragments& f, int group, int member) {
                for (int i = 0; i < 4; i++) m[group + i % 2 * 8][member + i / 2 * 4] = read(f.a[i]);
            },
            [=](float (&m)[8][8], const EmuFragments& f, int group, int member) {
                for (int i = 0; i < 2; i++) m[member + i * 4][group] = read(f.b[i]);
            });
    }, file, line);
}

template <bool transposed> static inline void emuLoadMatrices(const char* what, u32 (&r)[4], const void* row, const char* file, int line) {
    struct Lane { uint4 row; u32* result; } mine{*(const uint4*)row, r};       // read here, so that the access is this lane's
    emuWarp(what, AllLanes, &mine, [](void** lanes, uint32_t) {
        for (int matrix = 0; matrix < 4; matrix++) {
            unsigned short m[8][8];
            for (int i = 0; i < 8; i++) memcpy(m[i], &((Lane*)lanes[matrix * 8 + i])->row, 16);
            for (int lane = 0; lane < 32; lane++) {
                int group = lane / 4, column = lane % 4 * 2;
                u32 low = transposed ? m[column][group] : m[group][column], high = transposed ? m[column + 1][group] : m[group][column + 1];
                ((Lane*)lanes[lane])->result[matrix] = low | high << 16;
            }
        }
    }, file, line);
}
#define loadMatrices(r, row) emuLoadMatrices<false>("ldmatrix", r, row, __FILE__, __LINE__)
#define loadMatricesTransposed(r, row) emuLoadMatrices<true>("ldmatrix.trans", r, row, __FILE__, __LINE__)
