// What compiled kernels and block.cpp share.
#pragma once
#include <cstddef>
#include <cstdint>

struct uint3 { unsigned x, y, z; };

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

struct EmuThread {
    uint3 threadIdx, blockIdx;
    dim3 blockDim, gridDim;
};

extern "C" {

// A thread never leaves its fiber, so the answer stays the same for all of its life.
EmuThread* emuThread() __attribute__((const));

void* emuSharedVariable(const void* key, size_t bytes, size_t alignment);
void* emuDynamicShared(size_t alignment);

// Waits for `count` threads at barrier `id`; 0 threads are all of the block, as at __syncthreads.
void emuBarrier(int id, int count, const char* file, int line);
// __syncthreads_count; `or` and `and` follow from it.
int emuBarrierCount(int predicate, const char* file, int line);

// Waits until every thread of the mask has come to the same exchange; then `run` gets what each lane passed (null for lanes outside).
void emuWarp(const char* what, uint32_t mask, void* lane, void (*run)(void** lanes, uint32_t mask), const char* file, int line);
void emuSyncWarp(uint32_t mask, const char* file, int line);

// cp.async: `sourceBytes` of `bytes` are copied, the rest is set to zero; it lands when its group is waited for.
void emuCopyAsync(void* shared, const void* global, int bytes, int sourceBytes);
void emuCommitCopies();
void emuWaitCopies(int groupsLeft);

// From here on the block may read what other blocks wrote in this launch: after a fence or an atomic that says they have.
void emuAcquire();
void emuCheckAtomic(void* address, int bytes);
void emuTrap(const char* message);
}

struct EmuKernel {
    const char* name;
    void (*invoke)(void** arguments);
    int parameterCount;
    const uint32_t* parameterSizes;
    const uint32_t* parameterAlignments;
    int maxThreads;
};
