// The warp's matrix instructions: d += a·b over the 32 lanes' fragments, float32 sums. The tests put their own version of this file in its
// place.
//
// With group = lane/4 and member = lane%4, a fragment's elements are
//   a (16×16 bf16)  a[0] (row group,   cols 2·member, +1)   a[1] (row group+8, the same)   a[2], a[3] the same with cols + 8
//   b (16×8 bf16)   b[0] (rows 2·member, +1, col group)     b[1] rows + 8
//   a (16×8 tf32)   a[0] (group, member)   a[1] (group+8, member)   a[2] (group, member+4)   a[3] (group+8, member+4)
//   b (8×8 tf32)    b[0] (member, group)   b[1] (member+4, group)
//   d (16×8)        d[0], d[1] (row group, cols 2·member, +1)   d[2], d[3] row + 8
#pragma once
#include "common.cuh"

// Rounds to bf16 (nearest, ties to even) and packs: the first in the lower half.
__device__ __forceinline__ u32 packBf16(float first, float second) {
    u32 packed;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(second), "f"(first));
    return packed;
}

__device__ __forceinline__ float bf16Low(u32 packed) { return __uint_as_float(packed << 16); }
__device__ __forceinline__ float bf16High(u32 packed) { return __uint_as_float(packed & 0xffff0000u); }

// Rounds to tf32 (nearest, ties away from zero), as a float's bits.
__device__ __forceinline__ u32 toTf32(float value) {
    u32 bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
    return bits;
}

// m16n8k16, bf16.
__device__ __forceinline__ void mmaBf16(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// m16n8k8, tf32.
__device__ __forceinline__ void mmaTf32(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// ldmatrix: four 8×8 matrices of 16-bit elements from shared memory; lane i gives the address of row i%8 of matrix i/8, and gets of
// matrix j in r[j] the two elements (row group, cols 2·member, +1). Rows are aligned to 16 bytes.
__device__ __forceinline__ void loadMatrices(u32 (&r)[4], const void* row) {
    u32 address = (u32)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}

// The same with each matrix transposed.
__device__ __forceinline__ void loadMatricesTransposed(u32 (&r)[4], const void* row) {
    u32 address = (u32)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}
