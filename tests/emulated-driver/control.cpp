// What tests order and ask: found by name, like any other function of the library.
#include "emulator.h"
#include "block.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>

// A program under test is told by its environment: EMULATED_MEMORY=bytes, EMULATED_DRIVER_VERSION=12020, EMULATED_FAIL_LAUNCH=n or n:kernel.
static Settings initialSettings() {
    Settings initial;
    if (const char* memory = getenv("EMULATED_MEMORY")) initial.memoryBytes = strtoull(memory, nullptr, 10);
    if (const char* version = getenv("EMULATED_DRIVER_VERSION")) initial.driverVersion = atoi(version);
    if (const char* launch = getenv("EMULATED_FAIL_LAUNCH")) {
        char* rest;
        initial.failLaunch = strtol(launch, &rest, 10);
        if (*rest == ':') initial.failLaunchKernel = rest + 1;
    }
    return initial;
}

Settings settings = initialSettings();

static std::string leaks;

static long allocations;

bool allocationFails() {
    allocations++;
    if (settings.failAllocation == 0 || --settings.failAllocation > 0) return false;
    if (--settings.failAllocations > 0) settings.failAllocation = 1;
    return true;
}

CUresult launchFault(const char* kernel) {
    bool counts = settings.failLaunch > 0 && (settings.failLaunchKernel.empty() || settings.failLaunchKernel == kernel);
    if (!counts || --settings.failLaunch > 0) return CUDA_SUCCESS;
    return explain(settings.failLaunchCode, "kernel %s, as ordered", kernel);
}

// What a program leaves behind when it lets go of the context is remembered, then cleared away.
void destroyContext() {
    char text[256] = "";
    size_t blocks = arenaLiveCount(), hosts = pinnedLiveCount();
    if (blocks + hosts + primary.streams.size() + primary.events.size() + primary.graphs.size() + primary.executables.size() + primary.modules.size()) {
        snprintf(text, sizeof text, "%zu device allocations of %zu bytes, %zu pinned allocations, %zu streams, %zu events, %zu graphs, %zu instantiated graphs, %zu modules",
            blocks, arenaLiveBytes(), hosts, primary.streams.size(), primary.events.size(), primary.graphs.size(), primary.executables.size(), primary.modules.size());
    }
    leaks = text;
    for (Stream* stream : primary.streams) delete stream;
    for (Event* event : primary.events) delete event;
    for (Graph* graph : primary.graphs) delete graph;
    for (Graph* graph : primary.executables) delete graph;
    while (!primary.modules.empty()) unloadModule(*primary.modules.begin());
    unsigned generation = primary.generation + 1;
    CUresult lost = primary.lost;
    primary = Context{};
    primary.generation = generation;
    primary.lost = lost;                            // an error that ended a context ends all that the process could have of that GPU
    arenaFreeAll();
    pinnedFreeAll();
}

// All settings as at the start, counters at zero, as in a new process. A context that is in use stays.
EXPORT void emuReset() {
    std::lock_guard<std::recursive_mutex> guard(driverLock());
    if (!primary.references) primary.lost = CUDA_SUCCESS;
    settings = initialSettings();
    launchCounts.clear();
    launchTotal = lookups = lookupsWhileRecording = 0;
    allocations = 0;
    leaks.clear();
}

EXPORT void emuSetSeed(uint64_t seed) { settings.seed = seed; }
EXPORT void emuSetMemory(uint64_t bytes) { settings.memoryBytes = bytes; }

EXPORT void emuSetCapability(int major, int minor) {
    settings.capabilityMajor = major;
    settings.capabilityMinor = minor;
}

EXPORT void emuSetMultiprocessors(int count) { settings.multiprocessors = count; }

// The CUDA version that the driver says it is for, as 1000·major + 10·minor: before 12030, nothing is brought to the GPU while a stream records.
EXPORT void emuSetDriverVersion(int version) { settings.driverVersion = version; }

// Has the driver know nothing of kernels' parameters.
EXPORT void emuHideParameters() { settings.parametersUnknown = true; }

// The nth allocation from now, and count − 1 after it, find no memory: of device or pinned memory, or of something that the driver keeps
// there (streams, events, modules, instantiated graphs, cuBLAS handles).
EXPORT void emuFailAllocation(long n, long count) {
    settings.failAllocation = n;
    settings.failAllocations = count;
}

// The nth launch from now fails with this code when it runs: of one kernel, or for null of any kernel or matrix product.
EXPORT void emuFailLaunch(long n, int code, const char* kernel) {
    settings.failLaunch = n;
    settings.failLaunchKernel = kernel ? kernel : "";
    settings.failLaunchCode = CUresult(code);
}

// Launches that ran: of one kernel, or of all for null.
EXPORT long emuLaunches(const char* kernel) {
    std::lock_guard<std::recursive_mutex> guard(driverLock());
    return kernel ? launchCounts[kernel] : launchTotal;
}

// Kernels that were looked up for the first time, and so brought to the GPU; and those of them, while a stream recorded a graph.
EXPORT long emuLookups() { return lookups; }
EXPORT long emuLookupsWhileRecording() { return lookupsWhileRecording; }

// Work that has been put into streams and has not run.
EXPORT long emuPending() {
    std::lock_guard<std::recursive_mutex> guard(driverLock());
    long pending = 0;
    for (Stream* stream : primary.streams) pending += long(stream->queue.size());
    return pending;
}

// Allocations that were asked for, of all that emuFailAllocation names.
EXPORT long emuAllocations() { return allocations; }
EXPORT long emuLiveAllocations() { return long(arenaLiveCount()); }
EXPORT int emuContexts() { return primary.references; }

// What the last context that was let go left behind; empty for nothing.
EXPORT const char* emuLeaks() { return leaks.c_str(); }
