// A block of threads while it runs, and what its threads are allowed to touch.
#pragma once
#include "emulator.h"
#include "include/emulator_api.h"
#include <cstring>
#include <map>
#include <string>
#include <vector>

constexpr int MaxThreads = 1024;
constexpr size_t StackBytes = 64 << 10;
constexpr size_t SharedBytes = 228 << 10;
constexpr size_t SharedSpan = SharedBytes + (64 << 10);   // with room between variables
constexpr size_t PortableSharedBytes = 48 << 10;          // what a launch gets without asking
constexpr size_t DynamicSharedFirst = 128;                // room before dynamic shared memory: the largest alignment of it
constexpr size_t SharedRedZone = 64;                // between shared variables, so that running over one's end is seen

struct PendingCopy {
    void* target;
    const void* source;
    int bytes, sourceBytes;
};

struct Fiber {
    enum State { Ready, AtBarrier, AtWarp, Done };

    void* stack = nullptr;
    EmuThread* thread = nullptr;
    State state = Ready;
    const char* what = "";                          // what it waits for, and where in the source
    const char* file = "";
    int line = 0;
    uint32_t mask = 0;
    void* lane = nullptr;
    std::vector<PendingCopy> copies;                // cp.async: not yet committed, then committed groups
    std::deque<std::vector<PendingCopy>> groups;

    void wait(State s, const char* w, const char* f, int l) {
        state = s;
        what = w;
        file = f;
        line = l;
    }
    bool exchange(const Fiber& other) const { return what == other.what && line == other.line && !strcmp(file, other.file); }
    std::string waitsAt() const {
        const char* slash = strrchr(file, '/');
        return std::string(what) + " (" + (slash ? slash + 1 : file) + ":" + std::to_string(line) + ")";
    }
};

struct Barrier {
    std::vector<int> waiting;
    int first = 0, count = 0, votes = 0, arrivingVotes = 0;
};

// The last accesses to two bytes of shared memory. An access by another thread needs a barrier in between: a later epoch of the
// block, or of the warp that both belong to.
struct SharedCell {
    uint32_t writeEpoch, readEpoch, writeWarpEpoch, readWarpEpoch;
    int16_t writer, reader;                         // a thread, or one of the below

    static constexpr int16_t SeveralWarps = -1;
    static int severalOf(int warp) { return -2 - warp; }
};

struct Block {
    const LoadedModule* module = nullptr;
    const Kernel* kernel = nullptr;
    void** arguments = nullptr;
    Dim3 grid{}, size{}, index{};
    int threads = 0, current = 0, exited = 0;
    uint32_t number = 0, launch = 0;
    bool running = false;                           // whether accesses are to be checked
    bool acquired = false;                          // whether the block has waited for others' writes
    CUresult error = CUDA_SUCCESS;
    uint64_t randomState = 1;
    uint32_t orderEpoch = 0;                        // barriers of all blocks so far: what lies between two of them is unordered
    void* scheduler = nullptr;
    uintptr_t stacks = 0;
    Fiber fibers[MaxThreads];
    struct Warp { uint32_t epoch = 0; };
    std::vector<Warp> warps;
    std::vector<int> ready;
    std::map<int, Barrier> barriers;

    // Shared memory: dynamic first, then each variable as the first thread comes to it; the same places in every block of a launch.
    struct SharedVariable { const void* key; size_t offset, bytes; };
    uint8_t* sharedBase = nullptr;
    uint8_t* sharedShadow = nullptr;                // for each 8 bytes, like the arena's
    SharedCell* cells = nullptr;                    // for each 2 bytes
    size_t sharedUsed = 0, sharedDynamic = 0, sharedStatic = 0, sharedLimit = 0, sharedOptInLimit = 0;
    void* sharedDynamicAt = nullptr;
    std::vector<SharedVariable> sharedVariables;

    uint32_t random(uint32_t below);
    std::string name(int thread) const;
    std::string place() const;
    std::string stuck() const;
    void start();
    CUresult run();
    void park();
    void makeReady(int thread);
    void fail(CUresult code, const std::string& message);
    [[noreturn]] void fault(CUresult code, const std::string& message, void* returnAddress);
    void arriveAtBarrier(int id, int count, const char* what, const char* file, int line);
    void arriveAtWarp(const char* what, uint32_t mask, void* lane, void (*exchange)(void**, uint32_t), const char* file, int line);

    void layOutShared(size_t dynamicBytes, size_t limit, size_t optInLimit);
    void* dynamicShared(size_t alignment);
    void* sharedVariable(const void* key, size_t bytes, size_t alignment, void* returnAddress);
    template <bool write> void checkShared(size_t offset, size_t bytes, void* returnAddress);
    template <bool write> void checkGlobal(size_t offset, size_t bytes, void* returnAddress);
    template <bool write> void checkOther(uintptr_t address, size_t bytes, void* returnAddress);
    template <bool write> void check(uintptr_t address, size_t bytes, void* returnAddress);
    template <bool write> void raceShared(const SharedCell& cell, void* returnAddress);
};
extern Block block;

// "group_norm.cu:42" for an address in a module's code; empty where it cannot be told.
std::string sourceLine(const LoadedModule& module, void* address);
