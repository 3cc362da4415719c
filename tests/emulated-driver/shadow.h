// What block.cpp looks up at every access of a kernel.
#pragma once
#include <cstddef>
#include <cstdint>

constexpr size_t ArenaBytes = size_t(1) << 34;

struct GlobalWriter {                               // who wrote four bytes of device memory last, and between which barriers
    uint32_t launch, block, epoch;
    uint16_t thread, warpEpoch;
};

struct Arena {
    uintptr_t base = 0;
    uint8_t* shadow = nullptr;                      // for each 8 bytes: how many of them, from the first, are allocated
    GlobalWriter* writers = nullptr;                // for each 4 bytes
};
extern Arena arena;
