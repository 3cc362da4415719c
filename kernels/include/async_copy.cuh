// cp.async (sm_80 on): 16 bytes from device memory to shared memory without passing through registers. A copy may be looked at after its
// group has been waited for, and by other threads after a barrier that follows. The tests put their own version of this file in its place.
#pragma once
#include "common.cuh"

// Both addresses are aligned to 16 bytes. Where `valid` is false the target is set to zero and the source is not read.
__device__ __forceinline__ void copyAsync16(void* shared, const void* global, bool valid = true) {
    u32 target = (u32)__cvta_generic_to_shared(shared);
    int bytes = valid ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(target), "l"(global), "r"(bytes) : "memory");
}

// The same for 4 bytes, for rows that are not aligned to more.
__device__ __forceinline__ void copyAsync4(void* shared, const void* global, bool valid = true) {
    u32 target = (u32)__cvta_generic_to_shared(shared);
    int bytes = valid ? 4 : 0;
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(target), "l"(global), "r"(bytes) : "memory");
}

// Ends the thread's current group of copies.
__device__ __forceinline__ void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until all of the thread's groups have landed but for the latest `left`.
template <int left>
__device__ __forceinline__ void waitCopies() { asm volatile("cp.async.wait_group %0;" ::"n"(left) : "memory"); }
