// Runs a kernel's blocks, one after the other in shuffled order, each thread as a fiber. Which ready thread goes on is drawn at random;
// the draw follows from the seed. Faults leave the fiber for good: kernels own nothing that would need cleaning up.
#include "block.h"
#include "fiber.h"
#include "shadow.h"
#include <cstdio>
#include <cstring>
#include <sys/mman.h>

Block block;

static void* mapStacks() {
    void* stacks = mmap(nullptr, MaxThreads * StackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return stacks == MAP_FAILED ? nullptr : stacks;
}

uint32_t Block::random(uint32_t below) {
    randomState ^= randomState << 13;
    randomState ^= randomState >> 7;
    randomState ^= randomState << 17;
    return uint32_t((uint64_t(uint32_t(randomState >> 16)) * below) >> 32);
}

std::string Block::name(int thread) const {
    char text[64];
    snprintf(text, sizeof text, "thread (%u, %u, %u)", thread % size.x, thread / size.x % size.y, thread / (size.x * size.y));
    return text;
}

std::string Block::place() const {
    char text[200];
    snprintf(text, sizeof text, "kernel %s, block (%u, %u, %u)", kernel->name, index.x, index.y, index.z);
    return text;
}

void Block::fail(CUresult code, const std::string& message) {
    if (error == CUDA_SUCCESS) {
        error = explain(code, "%s: %s", place().c_str(), message.c_str());
    }
}

void Block::park() {
    emuSwitch(&fibers[current].stack, scheduler);
}

void Block::fault(CUresult code, const std::string& message, void* returnAddress) {
    std::string source = returnAddress ? sourceLine(*module, returnAddress) : "";
    fail(code, name(current) + " " + message + (source.empty() ? "" : " at " + source));
    for (;;) park();
}

static void threadMain() {
    block.kernel->invoke(block.arguments);
    block.fibers[block.current].state = Fiber::Done;
    block.park();
}

void Block::makeReady(int thread) {
    fibers[thread].state = Fiber::Ready;
    ready.push_back(thread);
}

// ---- one block

void Block::start() {
    memset(sharedBase, 0xFF, sharedUsed);           // fresh shared memory holds anything, so nothing useful
    orderEpoch++;
    acquired = false;
    ready.clear();
    exited = 0;
    barriers.clear();
    for (int t = 0; t < threads; t++) {
        Fiber& f = fibers[t];
        uintptr_t top = stacks + (t + 1) * StackBytes - sizeof(EmuThread);
        top &= ~uintptr_t(63);
        f.thread = (EmuThread*)top;
        *f.thread = {{t % size.x, t / size.x % size.y, t / (size.x * size.y)}, {index.x, index.y, index.z}, dim3(size.x, size.y, size.z), dim3(grid.x, grid.y, grid.z)};
        f.stack = newFiber((void*)top, threadMain);
        f.copies.clear();
        f.groups.clear();
        makeReady(t);
    }
    for (auto& warp : warps) warp = {};
}

// What keeps the block from going on, for the one message that says it.
std::string Block::stuck() const {
    int waiting = -1, other = -1, done = -1;
    for (int t = 0; t < threads; t++) {
        if (fibers[t].state == Fiber::Done) done = done < 0 ? t : done;
        else if (waiting < 0) waiting = t;
        else if (other < 0 && fibers[t].waitsAt() != fibers[waiting].waitsAt()) other = t;
    }
    std::string text = name(waiting) + " waits at " + fibers[waiting].waitsAt();
    if (other >= 0) return text + ", but " + name(other) + " waits at " + fibers[other].waitsAt();
    if (done >= 0) return text + ", but " + name(done) + " has left the kernel";
    return text + ", and nobody will come";
}

CUresult Block::run() {
    start();
    while (exited < threads) {
        if (ready.empty()) {
            fail(CUDA_ERROR_LAUNCH_FAILED, "divergent barrier: " + stuck());
            return error;
        }
        uint32_t pick = random(uint32_t(ready.size()));
        current = ready[pick];
        ready[pick] = ready.back();
        ready.pop_back();
        emuSwitch(&scheduler, fibers[current].stack);
        if (error != CUDA_SUCCESS) return error;
        exited += fibers[current].state == Fiber::Done;
    }
    return CUDA_SUCCESS;
}

CUresult runGrid(const LoadedModule& module, const Kernel& kernel, Dim3 grid, Dim3 size, uint32_t dynamicSharedBytes, int sharedLimit, void** arguments) {
    static uint32_t launches;
    if (!block.stacks) block.stacks = (uintptr_t)mapStacks();
    block.launch = ++launches;
    block.module = &module;
    block.kernel = &kernel;
    block.arguments = arguments;
    block.grid = grid;
    block.size = size;
    block.threads = int(size.count());
    block.warps.resize((block.threads + 31) / 32);
    block.error = CUDA_SUCCESS;
    block.randomState = (settings.seed * 0x9E3779B97F4A7C15u) ^ (uint64_t(block.launch) << 32) ^ 0x2545F4914F6CDD1Du;
    block.layOutShared(dynamicSharedBytes, sharedLimit, optInSharedBytes());

    std::vector<uint32_t> order(grid.count());
    for (uint32_t i = 0; i < order.size(); i++) {
        uint32_t j = block.random(i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    block.running = true;
    for (uint32_t i : order) {
        block.number = i;
        block.index = {i % grid.x, i / grid.x % grid.y, i / (grid.x * grid.y)};
        if (block.run() != CUDA_SUCCESS) break;
    }
    block.running = false;
    return block.error;
}

// ---- what kernels call

EXPORT EmuThread* emuThread() { return block.fibers[block.current].thread; }

EXPORT void emuTrap(const char* message) { block.fault(CUDA_ERROR_LAUNCH_FAILED, message, __builtin_return_address(0)); }

void Block::arriveAtBarrier(int id, int count, const char* what, const char* file, int line) {
    Fiber& f = fibers[current];
    f.wait(Fiber::AtBarrier, what, file, line);
    Barrier& barrier = barriers[id];
    if (barrier.waiting.empty()) {
        barrier.first = current;
        barrier.count = count;
    } else if (fibers[barrier.first].line != line || fibers[barrier.first].file != file || barrier.count != count) {
        fault(CUDA_ERROR_LAUNCH_FAILED, "divergent barrier: waits at " + f.waitsAt() + ", but " + name(barrier.first) + " waits at " + fibers[barrier.first].waitsAt(), nullptr);
    }
    barrier.waiting.push_back(current);
    if ((int)barrier.waiting.size() == (count ? count : threads)) {
        orderEpoch++;
        barrier.votes = barrier.arrivingVotes;
        barrier.arrivingVotes = 0;
        for (int t : barrier.waiting) makeReady(t);
        barrier.waiting.clear();
    }
    park();
}

EXPORT void emuBarrier(int id, int count, const char* file, int line) { block.arriveAtBarrier(id, count, "__syncthreads", file, line); }

EXPORT int emuBarrierCount(int predicate, const char* file, int line) {
    block.barriers[0].arrivingVotes += predicate != 0;
    block.arriveAtBarrier(0, 0, "__syncthreads_count", file, line);
    return block.barriers[0].votes;
}

void Block::arriveAtWarp(const char* what, uint32_t mask, void* lane, void (*exchange)(void**, uint32_t), const char* file, int line) {
    int warp = current / 32, self = current % 32, lanes = std::min(32, threads - warp * 32);
    uint32_t present = lanes == 32 ? ~0u : (1u << lanes) - 1;
    Fiber& f = fibers[current];
    f.wait(Fiber::AtWarp, what, file, line);
    f.mask = mask;
    f.lane = lane;
    if (!(mask >> self & 1)) fault(CUDA_ERROR_LAUNCH_FAILED, std::string("is not in its own mask at ") + f.waitsAt(), nullptr);
    if (mask != ~0u && (mask & ~present)) fault(CUDA_ERROR_LAUNCH_FAILED, std::string("names lanes that the block does not have at ") + f.waitsAt(), nullptr);
    if (present != ~0u && mask == ~0u) fault(CUDA_ERROR_LAUNCH_FAILED, std::string("asks for a full warp, but its warp has fewer threads, at ") + f.waitsAt(), nullptr);
    void* given[32] = {};
    for (int i = 0; i < lanes; i++) {
        const Fiber& other = fibers[warp * 32 + i];
        if (!(mask >> i & 1)) continue;
        if (other.state == Fiber::Done) {
            fault(CUDA_ERROR_LAUNCH_FAILED, std::string("waits at ") + f.waitsAt() + " for " + name(warp * 32 + i) + ", which has left the kernel", nullptr);
        }
        if (other.state != Fiber::AtWarp) {
            park();
            return;
        }
        if (other.mask != mask || other.exchange(f) == false) {
            fault(CUDA_ERROR_LAUNCH_FAILED, std::string("divergent warp: waits at ") + f.waitsAt() + ", but " + name(warp * 32 + i) + " waits at " + other.waitsAt(), nullptr);
        }
        given[i] = other.lane;
    }
    if (exchange) {
        running = false;                            // the exchange touches every lane's own variables
        exchange(given, mask);
        running = true;
    } else {
        warps[warp].epoch += mask == present;
    }
    for (int i = 0; i < lanes; i++) {
        if ((mask >> i & 1) && i != self) makeReady(warp * 32 + i);
    }
    f.state = Fiber::Ready;                         // the last to come goes straight on
}

EXPORT void emuWarp(const char* what, uint32_t mask, void* lane, void (*run)(void**, uint32_t), const char* file, int line) {
    block.arriveAtWarp(what, mask, lane, run, file, line);
}

EXPORT void emuSyncWarp(uint32_t mask, const char* file, int line) { block.arriveAtWarp("__syncwarp", mask, nullptr, nullptr, file, line); }
