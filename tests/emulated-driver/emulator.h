// The emulated CUDA driver: one shared library that exports the driver, NVRTC and cuBLAS entry points which the CUDA device calls.
//
//   arena.cpp     device memory, shared memory and pinned memory; every byte that a kernel may touch is known
//   block.cpp     runs a block's threads as fibers: barriers, warp exchanges, asynchronous copies, races
//   driver.cpp    the driver's entry points over streams.cpp (queues, events, graphs) and module.cpp (loading, launching)
//   nvrtc.cpp     hands kernel text to g++, with include/prelude.h before it and include/*.cuh in place of headers with PTX in them
//   cublas.cpp    matrix products as loops
//   control.cpp   what tests ask and order: emuFailAllocation and the like
//
// Work put into a stream runs when somebody waits for it, on the waiting thread, under one lock; blocks run one after the other.
#pragma once
#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>
#include "include/emulator_api.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

enum CUresult : int {
    CUDA_SUCCESS = 0, CUDA_ERROR_INVALID_VALUE = 1, CUDA_ERROR_OUT_OF_MEMORY = 2, CUDA_ERROR_NOT_INITIALIZED = 3, CUDA_ERROR_INVALID_DEVICE = 101,
    CUDA_ERROR_INVALID_IMAGE = 200, CUDA_ERROR_INVALID_CONTEXT = 201, CUDA_ERROR_NO_BINARY_FOR_GPU = 209, CUDA_ERROR_ECC_UNCORRECTABLE = 214,
    CUDA_ERROR_INVALID_HANDLE = 400, CUDA_ERROR_ILLEGAL_STATE = 401, CUDA_ERROR_NOT_FOUND = 500, CUDA_ERROR_NOT_READY = 600, CUDA_ERROR_ILLEGAL_ADDRESS = 700,
    CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701, CUDA_ERROR_MISALIGNED_ADDRESS = 716, CUDA_ERROR_LAUNCH_FAILED = 719,
    CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901, CUDA_ERROR_STREAM_CAPTURE_MERGE = 902,
    CUDA_ERROR_STREAM_CAPTURE_UNMATCHED = 903, CUDA_ERROR_STREAM_CAPTURE_UNJOINED = 904, CUDA_ERROR_STREAM_CAPTURE_ISOLATION = 905,
    CUDA_ERROR_CAPTURED_EVENT = 907, CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD = 908,
};

struct Dim3 {
    uint32_t x, y, z;
    uint64_t count() const { return uint64_t(x) * y * z; }
};

// ---- what tests can set (control.cpp)

struct Settings {
    int capabilityMajor = 9, capabilityMinor = 0, multiprocessors = 4, driverVersion = 12040;
    bool parametersUnknown = false;                 // cuFuncGetParamInfo has an error for every kernel
    uint64_t memoryBytes = uint64_t(4) << 30;
    uint64_t seed = 1;
    long failAllocation = 0, failAllocations = 0;   // countdown to the first allocation that fails, and how many fail then
    long failLaunch = 0;
    CUresult failLaunchCode = CUDA_ERROR_LAUNCH_FAILED;
    std::string failLaunchKernel;                   // the only one whose launches are counted; empty for all and for matrix products
};
extern Settings settings;

int optInSharedBytes();                             // of a block, by capability
bool allocationFails();                             // counts an allocation; whether it is one that was ordered to fail
CUresult launchFault(const char* kernel);           // the failure that was ordered for this launch, if any

std::recursive_mutex& driverLock();

// An error's explanation, which cuGetErrorString appends to the error's own text.
CUresult explain(CUresult code, const char* format, ...) __attribute__((format(printf, 2, 3)));
const std::string& explanation(CUresult code);

// ---- memory (arena.cpp)

struct Allocation {
    uintptr_t address;
    size_t bytes;
};

uintptr_t arenaAllocate(size_t bytes);              // 0 where the simulated memory is exhausted
bool arenaFree(uintptr_t address);
bool arenaContains(uintptr_t address, size_t bytes);     // whether all of the range is one live allocation's
std::string arenaDescribe(uintptr_t address);       // "4 bytes behind an allocation of 100 bytes"
size_t arenaLiveBytes();
size_t arenaLiveCount();
void arenaFreeAll();

void* pinnedAllocate(size_t bytes);
bool pinnedFree(void* address);
bool pinnedContains(const void* address, size_t bytes);
size_t pinnedLiveCount();
void pinnedFreeAll();

// ---- running kernels (block.cpp)

using Kernel = EmuKernel;                           // as the compiled module lists it

struct LoadedModule {
    void* library = nullptr;
    uintptr_t begin = 0, end = 0;                   // its image in memory: constants live there
    std::vector<char> image;                        // for naming source lines
    const Kernel* kernels = nullptr;
    int kernelCount = 0;
};

// sharedLimit is what the kernel was allowed of dynamic shared memory.
CUresult runGrid(const LoadedModule& module, const Kernel& kernel, Dim3 grid, Dim3 block, uint32_t dynamicSharedBytes, int sharedLimit, void** arguments);

// ---- streams, events and graphs (streams.cpp)

using Work = std::function<CUresult()>;

struct Graph {
    std::vector<Work> nodes;
};

struct Stream;

struct Capture {                                    // a graph while it is recorded
    Graph* graph;
    Stream* origin;
    int mode;
    std::thread::id thread;
    bool broken = false, ended = false;
};

struct Stream {
    std::deque<Work> queue;
    std::shared_ptr<Capture> capture;               // the recording that it takes part in, if any
    size_t captured = 0, joined = 0;                // what it has put into that, and how much of it the others wait for
};

struct Marker {                                     // one recording of an event
    Stream* stream;
    std::shared_ptr<Capture> capture;
    size_t captured;                                // what the stream had put into the recording before
    bool reached = false;
    double seconds = 0;
};

struct Event {
    bool timing;
    std::shared_ptr<Marker> marker;
};

struct Function {
    const LoadedModule* module;
    const Kernel* kernel;
    int dynamicSharedLimit;
};

struct Module {
    LoadedModule loaded;
    std::map<std::string, std::unique_ptr<Function>> functions;
};

// What tells one kernel of cuBLAS from another: transpositions, extents, batches, types, mode.
using Product = std::array<int, 10>;

struct Context {
    int references = 0;
    unsigned generation = 1;                        // how often it was destroyed: a thread's current context may be a former one
    CUresult lost = CUDA_SUCCESS;
    std::set<Stream*> streams;
    std::set<Event*> events;
    std::set<Graph*> graphs, executables;
    std::set<Module*> modules;
    std::set<Function*> functions;
    std::set<Product> products;                     // whose kernels are on the GPU
};
extern Context primary;

extern thread_local unsigned current;               // the generation of the context that is current on this thread; 0 for none

// What an entry point begins with: the lock, the error that ended the context, if one did, and whether the thread has a context.
#define HAS_CONTEXT() \
    if (!primary.references || current != primary.generation) return explain(CUDA_ERROR_INVALID_CONTEXT, "no context is current on this thread")
#define ENTER() \
    std::lock_guard<std::recursive_mutex> guard(driverLock()); \
    if (primary.lost != CUDA_SUCCESS) return primary.lost; \
    HAS_CONTEXT()
// The same for what destroys something, which works in a lost context, too.
#define ENTER_TO_DESTROY() \
    std::lock_guard<std::recursive_mutex> guard(driverLock()); \
    HAS_CONTEXT()
// And for what a recording does not see, so that only one of relaxed mode allows it.
#define UNSEEN_BY_CAPTURES() \
    if (CUresult result = refuseInStrictCapture(__func__)) return result
#define STREAM(handle) \
    Stream* stream = streamOf(handle); \
    if (!stream) return explain(CUDA_ERROR_INVALID_HANDLE, "not a stream of this context")

#define FUNCTION(handle) \
    auto* function = (Function*)handle; \
    if (!primary.functions.count(function)) return explain(CUDA_ERROR_INVALID_HANDLE, "not a kernel of a module that is loaded")

CUresult enqueue(Stream* stream, Work work);
CUresult refuseInStrictCapture(const char* call);
CUresult refuseInCapture(const char* call);
CUresult loadBreaksCaptures(const char* what);
bool anyCapture();
CUresult drain(Stream* stream);
CUresult drainAll();
CUresult reach(const std::shared_ptr<Marker>& marker);
Stream* streamOf(void* handle);                     // null where there is none
CUresult launch(Function* function, Dim3 grid, Dim3 block, uint32_t sharedBytes, Stream* stream, void** arguments);
extern std::map<std::string, long> launchCounts;
extern long launchTotal;
extern long lookups, lookupsWhileRecording;

CUresult loadModule(const char* image, Module** result);
void unloadModule(Module* module);

// A module's image, like a cubin, is an ELF file for EM_CUDA with the chip in its flags (90 for sm_90 and sm_90a), whose symbol table marks the
// kernels among its functions. Machine code is what g++ made, as a shared library in the one section of data.
constexpr int CudaMachine = 190, CudaEntry = 0x10;
std::string makeImage(int capability, const std::vector<std::string>& kernels, const std::string& library);
