// Every load and store of a kernel comes here: g++ is told to instrument kernels as if for the kernel address sanitizer, whose entry
// points these are.
#include "block.h"
#include "shadow.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#include <unistd.h>

static std::string accessed(const char* verb, size_t bytes) { return std::string(verb) + " " + std::to_string(bytes) + " bytes at "; }

// ---- shared memory

void Block::layOutShared(size_t dynamicBytes, size_t limit, size_t optInLimit) {
    if (!sharedBase) {
        sharedBase = (uint8_t*)aligned_alloc(1024, SharedSpan);
        sharedShadow = (uint8_t*)calloc(1, (SharedSpan) / 8);
        cells = (SharedCell*)calloc((SharedSpan) / 2, sizeof(SharedCell));
    }
    std::fill(sharedShadow, sharedShadow + (SharedSpan) / 8, 0);
    sharedVariables.clear();
    sharedDynamic = dynamicBytes;
    sharedDynamicAt = nullptr;
    sharedLimit = limit;
    sharedOptInLimit = optInLimit;
    sharedStatic = 0;
    sharedUsed = 0;
    if (dynamicBytes == 0) return;
    dynamicShared(1);                               // so that it is there before a thread asks for it
    sharedDynamicAt = nullptr;
}

// Where a variable of this alignment may lie and of no larger one, so that whoever counts on more is caught; eight bytes at least.
static size_t barelyAligned(size_t offset, size_t alignment) {
    alignment = std::max(alignment, size_t(8));
    return (offset + alignment - 1) / (2 * alignment) * (2 * alignment) + alignment;
}

static void allow(uint8_t* shadow, size_t offset, size_t bytes) {
    std::fill(shadow + offset / 8, shadow + (offset + bytes) / 8, 8);
    if (bytes & 7) shadow[(offset + bytes) / 8] = uint8_t(bytes & 7);
}

// Dynamic shared memory lies first; its declaration, which the first thread comes to, says how it is aligned.
void* Block::dynamicShared(size_t alignment) {
    if (sharedDynamicAt) return sharedDynamicAt;
    size_t offset = barelyAligned(0, alignment);
    std::fill(sharedShadow, sharedShadow + (DynamicSharedFirst + sharedDynamic) / 8 + 1, 0);
    allow(sharedShadow, offset, sharedDynamic);
    sharedUsed = std::max(sharedUsed, (DynamicSharedFirst + sharedDynamic + SharedRedZone + 127) & ~size_t(127));
    return sharedDynamicAt = sharedBase + offset;
}

void* Block::sharedVariable(const void* key, size_t bytes, size_t alignment, void* returnAddress) {
    for (const auto& variable : sharedVariables) {
        if (variable.key == key) return sharedBase + variable.offset;
    }
    sharedStatic += bytes;
    if (sharedStatic > PortableSharedBytes) fault(CUDA_ERROR_LAUNCH_FAILED, "needs more than 48 KiB of static shared memory", returnAddress);
    // The driver knows this before it launches and refuses; here it comes out when the kernel runs, and that ends the context.
    if (sharedLimit > PortableSharedBytes ? sharedLimit + sharedStatic > sharedOptInLimit : sharedDynamic + sharedStatic > PortableSharedBytes) {
        fault(CUDA_ERROR_LAUNCH_FAILED, "needs " + std::to_string(sharedStatic) + " bytes of static shared memory beside " + std::to_string(sharedDynamic) + " dynamic ones, more than was allowed", returnAddress);
    }
    size_t offset = barelyAligned(sharedUsed, alignment);
    sharedVariables.push_back({key, offset, bytes});
    allow(sharedShadow, offset, bytes);
    size_t end = (offset + bytes + SharedRedZone + 127) & ~size_t(127);
    memset(sharedBase + sharedUsed, 0xFF, end - sharedUsed);
    sharedUsed = end;
    return sharedBase + offset;
}

EXPORT void* emuSharedVariable(const void* key, size_t bytes, size_t alignment) { return block.sharedVariable(key, bytes, alignment, __builtin_return_address(0)); }
EXPORT void* emuDynamicShared(size_t alignment) { return block.dynamicShared(alignment); }

// Whether a range is allocated, by the shadow bytes of its granules of eight.
static inline bool isAddressable(const uint8_t* shadow, size_t offset, size_t bytes) {
    size_t granule = offset >> 3, last = (offset + bytes - 1) >> 3;
    for (; granule < last; granule++) {
        if (shadow[granule] != 8) return false;
    }
    return shadow[last] >= ((offset + bytes - 1) & 7) + 1;
}

template <bool write> void Block::raceShared(const SharedCell& cell, void* returnAddress) {
    uint32_t warpEpoch = warps[current / 32].epoch;
    bool writerHere = cell.writer >= 0 && cell.writer / 32 == current / 32;
    bool written = cell.writeEpoch == orderEpoch && cell.writer != current && !(writerHere && cell.writeWarpEpoch != warpEpoch);
    bool readerHere = cell.reader >= 0 ? cell.reader / 32 == current / 32 : cell.reader == SharedCell::severalOf(current / 32);
    bool read = write && cell.readEpoch == orderEpoch && cell.reader != current && !(readerHere && cell.readWarpEpoch != warpEpoch);
    if (!written && !read) return;
    int other = written ? cell.writer : cell.reader;
    fault(CUDA_ERROR_LAUNCH_FAILED, std::string("race: ") + (write ? "overwrote" : "read") + " shared memory that " + (other >= 0 ? name(other) : "another thread") +
        (written ? " wrote" : " read") + " with no barrier in between", returnAddress);
}

template <bool write> void Block::checkShared(size_t offset, size_t bytes, void* returnAddress) {
    if (!isAddressable(sharedShadow, offset, bytes)) {
        long first = sharedDynamicAt ? (uint8_t*)sharedDynamicAt - sharedBase : 0;
        fault(CUDA_ERROR_ILLEGAL_ADDRESS, accessed(write ? "wrote" : "read", bytes) + "shared offset " + std::to_string(long(offset) - first) + ", outside of every shared variable", returnAddress);
    }
    uint32_t epoch = orderEpoch, warpEpoch = warps[current / 32].epoch;
    auto self = int16_t(current);
    for (SharedCell *cell = cells + (offset >> 1), *last = cells + ((offset + bytes - 1) >> 1); cell <= last; cell++) {
        bool writtenNow = cell->writeEpoch == epoch, readNow = cell->readEpoch == epoch;
        if (!write && !writtenNow && readNow && cell->reader == SharedCell::SeveralWarps) continue;
        if (writtenNow || (write && readNow)) raceShared<write>(*cell, returnAddress);
        if (write) {
            cell->writeEpoch = epoch;
            cell->writeWarpEpoch = warpEpoch;
            cell->writer = self;
        } else {
            int16_t several = int16_t(SharedCell::severalOf(self / 32));
            if (!readNow || cell->reader == self) cell->reader = self;
            else cell->reader = cell->reader == several || (cell->reader >= 0 && cell->reader / 32 == self / 32) ? several : SharedCell::SeveralWarps;
            cell->readEpoch = epoch;
            cell->readWarpEpoch = warpEpoch;
        }
    }
}

// ---- device memory

template <bool write> void Block::checkGlobal(size_t offset, size_t bytes, void* returnAddress) {
    if (!isAddressable(arena.shadow, offset, bytes)) {
        fault(CUDA_ERROR_ILLEGAL_ADDRESS, accessed(write ? "wrote" : "read", bytes) + arenaDescribe(arena.base + offset), returnAddress);
    }
    auto warpEpoch = uint16_t(warps[current / 32].epoch);
    for (size_t i = offset >> 2; i <= (offset + bytes - 1) >> 2; i++) {
        GlobalWriter& last = arena.writers[i];
        if (last.launch == launch && last.block == number && last.epoch == orderEpoch && last.thread != current && !acquired && bytes >= 4 &&
            !(last.thread / 32 == current / 32 && last.warpEpoch != warpEpoch)) {
            fault(CUDA_ERROR_LAUNCH_FAILED, accessed(write ? "race: overwrote" : "race: read", bytes) + arenaDescribe(arena.base + offset) + ", which " + name(last.thread) + " wrote with no barrier in between", returnAddress);
        }
        if (last.launch == launch && last.block != number && !acquired && bytes >= 4) {
            fault(CUDA_ERROR_LAUNCH_FAILED, accessed(write ? "race: overwrote" : "race: read", bytes) + arenaDescribe(arena.base + offset) + ", which block number " + std::to_string(last.block) + " wrote in this launch", returnAddress);
        }
        if (write) last = {launch, number, orderEpoch, uint16_t(current), warpEpoch};
    }
}

// What is neither device nor shared memory: a thread's own variables and its module's constants.
template <bool write> void Block::checkOther(uintptr_t address, size_t bytes, void* returnAddress) {
    if (address - (stacks + current * StackBytes) >= StackBytes && address - module->begin >= module->end - module->begin) {
        fault(CUDA_ERROR_ILLEGAL_ADDRESS, accessed(write ? "wrote" : "read", bytes) + (address < 4096 ? "a null pointer" : arenaDescribe(address)), returnAddress);
    }
}

template <bool write> inline void Block::check(uintptr_t address, size_t bytes, void* returnAddress) {
    if (!running) return;
    if (size_t offset = address - (uintptr_t)sharedBase; offset < SharedSpan - 16) checkShared<write>(offset, bytes, returnAddress);
    else if (size_t offset = address - arena.base; offset < ArenaBytes) checkGlobal<write>(offset, bytes, returnAddress);
    else checkOther<write>(address, bytes, returnAddress);
}

// ---- the sanitizer's entry points

#define ACCESS(n) \
    EXPORT void __asan_load##n##_noabort(uintptr_t p) { block.check<false>(p, n, __builtin_return_address(0)); } \
    EXPORT void __asan_store##n##_noabort(uintptr_t p) { block.check<true>(p, n, __builtin_return_address(0)); }
ACCESS(1) ACCESS(2) ACCESS(4) ACCESS(8) ACCESS(16)

EXPORT void __asan_loadN_noabort(uintptr_t p, size_t n) { if (n) block.check<false>(p, n, __builtin_return_address(0)); }
EXPORT void __asan_storeN_noabort(uintptr_t p, size_t n) { if (n) block.check<true>(p, n, __builtin_return_address(0)); }
EXPORT void __asan_handle_no_return() {}

struct SanitizerLocation { const char* file; uint32_t line, column; };
static std::string where(const SanitizerLocation* location) { return std::string(location->file) + ":" + std::to_string(location->line); }

struct TypeMismatch { SanitizerLocation location; void* type; uint8_t logAlignment, kind; };
EXPORT void __ubsan_handle_type_mismatch_v1(TypeMismatch* data, uintptr_t address) {
    if (block.running) {
        block.fault(CUDA_ERROR_MISALIGNED_ADDRESS, "took address 0x" + ([&] { char t[32]; snprintf(t, sizeof t, "%zx", size_t(address)); return std::string(t); })() +
            " for one aligned to " + std::to_string(1 << data->logAlignment) + " bytes, at " + where(&data->location), nullptr);
    }
}

EXPORT void __ubsan_handle_out_of_bounds(SanitizerLocation* location, uintptr_t index) {
    if (block.running) {
        block.fault(CUDA_ERROR_LAUNCH_FAILED, "took element " + std::to_string(long(index)) + " of an array that is smaller, at " + where(location), nullptr);
    }
}

// Sums and products of signed numbers that do not fit wrap on a GPU, into an index of something else; so do shifts, in ways of its own.
#define OVERFLOW(kind, what, ...) \
    EXPORT void __ubsan_handle_##kind(SanitizerLocation* location, __VA_ARGS__) { \
        if (block.running) block.fault(CUDA_ERROR_LAUNCH_FAILED, std::string(what) + ", at " + where(location), nullptr); \
    }
OVERFLOW(add_overflow, "added numbers whose sum does not fit", uintptr_t, uintptr_t)
OVERFLOW(sub_overflow, "subtracted numbers whose difference does not fit", uintptr_t, uintptr_t)
OVERFLOW(mul_overflow, "multiplied numbers whose product does not fit", uintptr_t, uintptr_t)
OVERFLOW(negate_overflow, "negated a number whose opposite does not fit", uintptr_t)
OVERFLOW(divrem_overflow, "divided by zero, or with a quotient that does not fit", uintptr_t, uintptr_t)
OVERFLOW(shift_out_of_bounds, "shifted by more bits than there are, or by fewer than none", uintptr_t, uintptr_t)

// ---- atomics and fences

EXPORT void emuAcquire() { block.acquired = true; }

EXPORT void emuCheckAtomic(void* address, int bytes) {
    auto p = (uintptr_t)address;
    void* from = __builtin_return_address(0);
    block.acquired = true;
    if (p % bytes) block.fault(CUDA_ERROR_MISALIGNED_ADDRESS, "atomic at an unaligned address", from);
    if (p - arena.base < ArenaBytes ? !isAddressable(arena.shadow, p - arena.base, bytes) : !isAddressable(block.sharedShadow, p - (uintptr_t)block.sharedBase, bytes)) {
        block.fault(CUDA_ERROR_ILLEGAL_ADDRESS, "atomic at " + arenaDescribe(p), from);
    }
}

// ---- asynchronous copies

EXPORT void emuCopyAsync(void* target, const void* source, int bytes, int sourceBytes) {
    void* from = __builtin_return_address(0);
    if (((uintptr_t)target | (uintptr_t)source) % bytes) block.fault(CUDA_ERROR_MISALIGNED_ADDRESS, "cp.async between addresses not aligned to its size", from);
    if (sourceBytes) block.check<false>((uintptr_t)source, sourceBytes, from);
    block.check<true>((uintptr_t)target, bytes, from);
    memset(target, 0xFF, bytes);                    // nobody may look before the wait
    block.fibers[block.current].copies.push_back({target, source, bytes, sourceBytes});
}

EXPORT void emuCommitCopies() {
    Fiber& f = block.fibers[block.current];
    f.groups.push_back(std::move(f.copies));
    f.copies.clear();
}

EXPORT void emuWaitCopies(int groupsLeft) {
    Fiber& f = block.fibers[block.current];
    while ((int)f.groups.size() > groupsLeft) {
        for (const auto& copy : f.groups.front()) {
            block.check<true>((uintptr_t)copy.target, copy.bytes, __builtin_return_address(0));
            memcpy(copy.target, copy.source, copy.sourceBytes);
            memset((char*)copy.target + copy.sourceBytes, 0, copy.bytes - copy.sourceBytes);
        }
        f.groups.pop_front();
    }
}

// ---- naming source lines

std::string sourceLine(const LoadedModule& module, void* address) {
    int file = memfd_create("kernels", MFD_CLOEXEC);
    if (file < 0) return "";
    bool written = write(file, module.image.data(), module.image.size()) == (ssize_t)module.image.size();
    char command[128], line[512] = "";
    snprintf(command, sizeof command, "addr2line -e /proc/%d/fd/%d 0x%zx 2>/dev/null", getpid(), file, size_t((uintptr_t)address - 1 - module.begin));
    if (FILE* pipe = written ? popen(command, "r") : nullptr) {
        if (!fgets(line, sizeof line, pipe)) line[0] = 0;
        pclose(pipe);
    }
    close(file);
    std::string text(line);
    text = text.substr(0, text.find_first_of("\n ("));
    size_t slash = text.rfind('/');
    if (slash != std::string::npos) text = text.substr(slash + 1);
    return text.empty() || text[0] == '?' ? "" : text;
}
