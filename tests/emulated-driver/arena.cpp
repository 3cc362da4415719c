// Device memory: a range of addresses in which allocations never touch and are not soon handed out again, with one shadow byte for each
// eight: how many of them, from the first, are allocated. A kernel's every access is looked up there (block.cpp).
#include "emulator.h"
#include "shadow.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace {

constexpr size_t Granularity = 512, Gap = 512;
constexpr size_t ReleaseFrom = 1 << 16;             // give pages of freed allocations back from this size on

std::map<uintptr_t, size_t> live;
std::map<uintptr_t, size_t> freed;                  // for messages only: what used to be where
size_t liveBytes;
uintptr_t next;
std::map<uintptr_t, size_t> pinned;

void* reserve(size_t bytes) {
    void* range = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) {
        perror("emulated driver: reserving address space");
        abort();
    }
    madvise(range, bytes, MADV_HUGEPAGE);           // poisoning touches every page
    return range;
}

void mark(uintptr_t address, size_t bytes, bool allocated) {
    uint8_t* shadow = arena.shadow + ((address - arena.base) >> 3);
    memset(shadow, allocated ? 8 : 0, bytes >> 3);
    if (bytes & 7) {
        shadow[bytes >> 3] = allocated ? uint8_t(bytes & 7) : 0;
    }
}

bool overlapsLive(uintptr_t begin, uintptr_t end) {
    auto after = live.lower_bound(begin);
    if (after != live.end() && after->first < end) return true;
    if (after == live.begin()) return false;
    auto before = std::prev(after);
    return before->first + before->second + Gap > begin;
}

}  // namespace

Arena arena;

static void prepare() {
    if (!arena.base) {
        arena.base = (uintptr_t)reserve(ArenaBytes);
        arena.shadow = (uint8_t*)reserve(ArenaBytes >> 3);
        arena.writers = (GlobalWriter*)reserve((ArenaBytes >> 2) * sizeof(GlobalWriter));
        next = arena.base + Granularity;
    }
}

uintptr_t arenaAllocate(size_t bytes) {
    prepare();
    if (bytes == 0 || liveBytes + bytes > settings.memoryBytes) return 0;
    size_t span = (bytes + Gap + Granularity - 1) / Granularity * Granularity;
    uintptr_t end = arena.base + ArenaBytes;
    for (int wrapped = 0;;) {
        if (next + span > end) {
            if (wrapped++) return 0;
            next = arena.base + Granularity;
        }
        if (!overlapsLive(next, next + span)) break;
        auto blocking = live.upper_bound(next + span);
        next = std::prev(blocking)->first + std::prev(blocking)->second;
        next = (next - arena.base + Gap + Granularity - 1) / Granularity * Granularity + arena.base;
    }
    uintptr_t address = next;
    next += span;
    live[address] = bytes;
    liveBytes += bytes;
    freed.erase(freed.lower_bound(address), freed.lower_bound(address + span));
    mark(address, bytes, true);
    memset((void*)address, 0xFF, bytes);            // a float of it is NaN: whoever reads what nobody wrote will see
    return address;
}

bool arenaFree(uintptr_t address) {
    auto found = live.find(address);
    if (found == live.end()) return false;
    size_t bytes = found->second;
    mark(address, bytes, false);
    if (bytes >= ReleaseFrom) {
        uintptr_t begin = (address + 4095) & ~uintptr_t(4095), end = (address + bytes) & ~uintptr_t(4095);
        if (end > begin) madvise((void*)begin, end - begin, MADV_DONTNEED);
    }
    freed[address] = bytes;
    liveBytes -= bytes;
    live.erase(found);
    return true;
}

bool arenaContains(uintptr_t address, size_t bytes) {
    auto after = live.upper_bound(address);
    if (after == live.begin()) return false;
    auto found = std::prev(after);
    return address + bytes >= address && address + bytes <= found->first + found->second;
}

std::string arenaDescribe(uintptr_t address) {
    char text[160];
    auto describe = [&](const std::map<uintptr_t, size_t>& blocks, const char* kind) {
        auto after = blocks.upper_bound(address);
        if (after != blocks.begin()) {
            auto block = std::prev(after);
            size_t offset = address - block->first;
            if (offset < block->second + Gap) {
                snprintf(text, sizeof text, "offset %zu of %s allocation of %zu bytes", offset, kind, block->second);
                return true;
            }
        }
        if (after != blocks.end() && after->first - address <= Gap) {
            snprintf(text, sizeof text, "%zu bytes before %s allocation of %zu bytes", size_t(after->first - address), kind, after->second);
            return true;
        }
        return false;
    };
    if (describe(live, "an") || describe(freed, "a freed")) return text;
    snprintf(text, sizeof text, "address 0x%zx, which was never allocated on the device", size_t(address));
    return text;
}

size_t arenaLiveBytes() { return liveBytes; }
size_t arenaLiveCount() { return live.size(); }

void arenaFreeAll() {
    while (!live.empty()) arenaFree(live.begin()->first);
    freed.clear();
}

void* pinnedAllocate(size_t bytes) {
    void* address = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    if (address) {
        memset(address, 0xFF, bytes);
        pinned[(uintptr_t)address] = bytes;
    }
    return address;
}

bool pinnedFree(void* address) {
    if (!pinned.erase((uintptr_t)address)) return false;
    free(address);
    return true;
}

bool pinnedContains(const void* address, size_t bytes) {
    auto after = pinned.upper_bound((uintptr_t)address);
    if (after == pinned.begin()) return false;
    auto found = std::prev(after);
    return (uintptr_t)address + bytes <= found->first + found->second;
}

size_t pinnedLiveCount() { return pinned.size(); }

void pinnedFreeAll() {
    while (!pinned.empty()) pinnedFree((void*)pinned.begin()->first);
}
