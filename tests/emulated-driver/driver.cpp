// Devices, the primary context, memory and its copies.
#include "emulator.h"
#include <cstdio>
#include <cstring>

std::recursive_mutex& driverLock() {
    static std::recursive_mutex lock;
    return lock;
}

// ---- errors

static std::map<CUresult, std::string> explanations;
static std::map<CUresult, std::string> texts;

CUresult explain(CUresult code, const char* format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    explanations[code] = text;
    return code;
}

const std::string& explanation(CUresult code) { return explanations[code]; }

static const std::map<CUresult, std::pair<const char*, const char*>> names = {
    {CUDA_SUCCESS, {"CUDA_SUCCESS", "no error"}},
    {CUDA_ERROR_INVALID_VALUE, {"CUDA_ERROR_INVALID_VALUE", "invalid argument"}},
    {CUDA_ERROR_OUT_OF_MEMORY, {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory"}},
    {CUDA_ERROR_NOT_INITIALIZED, {"CUDA_ERROR_NOT_INITIALIZED", "initialization error"}},
    {CUDA_ERROR_INVALID_DEVICE, {"CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"}},
    {CUDA_ERROR_INVALID_IMAGE, {"CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"}},
    {CUDA_ERROR_INVALID_CONTEXT, {"CUDA_ERROR_INVALID_CONTEXT", "invalid device context"}},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, {"CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"}},
    {CUDA_ERROR_ECC_UNCORRECTABLE, {"CUDA_ERROR_ECC_UNCORRECTABLE", "uncorrectable ECC error encountered"}},
    {CUDA_ERROR_INVALID_HANDLE, {"CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"}},
    {CUDA_ERROR_ILLEGAL_STATE, {"CUDA_ERROR_ILLEGAL_STATE", "the operation cannot be performed in the present state"}},
    {CUDA_ERROR_NOT_FOUND, {"CUDA_ERROR_NOT_FOUND", "named symbol not found"}},
    {CUDA_ERROR_NOT_READY, {"CUDA_ERROR_NOT_READY", "device not ready"}},
    {CUDA_ERROR_ILLEGAL_ADDRESS, {"CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"}},
    {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, {"CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"}},
    {CUDA_ERROR_MISALIGNED_ADDRESS, {"CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"}},
    {CUDA_ERROR_LAUNCH_FAILED, {"CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"}},
    {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, {"CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"}},
    {CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, {"CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"}},
    {CUDA_ERROR_STREAM_CAPTURE_MERGE, {"CUDA_ERROR_STREAM_CAPTURE_MERGE", "dependency on another capture sequence"}},
    {CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, {"CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "capture was not initiated in this stream"}},
    {CUDA_ERROR_STREAM_CAPTURE_UNJOINED, {"CUDA_ERROR_STREAM_CAPTURE_UNJOINED", "capturing stream has unjoined work"}},
    {CUDA_ERROR_STREAM_CAPTURE_ISOLATION, {"CUDA_ERROR_STREAM_CAPTURE_ISOLATION", "dependency created on uncaptured work in another stream"}},
    {CUDA_ERROR_CAPTURED_EVENT, {"CUDA_ERROR_CAPTURED_EVENT", "operation not permitted on an event last recorded in a capturing stream"}},
    {CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, {"CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD", "attempt to terminate a thread-local capture sequence from another thread"}},
};

EXPORT CUresult cuGetErrorName(CUresult code, const char** name) {
    auto found = names.find(code);
    *name = found == names.end() ? nullptr : found->second.first;
    return found == names.end() ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

EXPORT CUresult cuGetErrorString(CUresult code, const char** text) {
    std::lock_guard<std::recursive_mutex> guard(driverLock());
    auto found = names.find(code);
    if (found == names.end()) return CUDA_ERROR_INVALID_VALUE;
    std::string& whole = texts[code];
    whole = found->second.second;
    if (auto why = explanations.find(code); why != explanations.end()) whole += "; " + why->second;
    *text = whole.c_str();
    return CUDA_SUCCESS;
}

// ---- the one device and its context

EXPORT CUresult cuInit(unsigned) { return CUDA_SUCCESS; }

EXPORT CUresult cuDriverGetVersion(int* version) {
    *version = settings.driverVersion;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetCount(int* count) {
    *count = 1;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGet(int* device, int ordinal) {
    *device = 0;
    return ordinal == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

EXPORT CUresult cuDeviceGetName(char* name, int length, int) {
    snprintf(name, length, "Emulated GPU");
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t* bytes, int) {
    *bytes = settings.memoryBytes;
    return CUDA_SUCCESS;
}

int optInSharedBytes() {
    switch (settings.capabilityMajor * 10 + settings.capabilityMinor) {
        case 75: return 64 << 10;
        case 80: case 87: return 163 << 10;
        case 86: case 89: case 120: case 121: return 99 << 10;
        default: return 227 << 10;
    }
}

EXPORT CUresult cuDeviceGetAttribute(int* value, int attribute, int) {
    switch (attribute) {
        case 16: *value = settings.multiprocessors; break;
        case 38: *value = 4 << 20; break;
        case 75: *value = settings.capabilityMajor; break;
        case 76: *value = settings.capabilityMinor; break;
        case 97: *value = optInSharedBytes(); break;
        default: return explain(CUDA_ERROR_INVALID_VALUE, "device attribute %d is not emulated", attribute);
    }
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRetain(void** context, int) {
    std::lock_guard<std::recursive_mutex> guard(driverLock());
    if (primary.lost != CUDA_SUCCESS) return primary.lost;
    primary.references++;
    *context = &primary;
    return CUDA_SUCCESS;
}

void destroyContext();

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(int) {
    std::lock_guard<std::recursive_mutex> guard(driverLock());
    if (primary.references == 0) return CUDA_ERROR_INVALID_CONTEXT;
    if (--primary.references == 0) destroyContext();
    return CUDA_SUCCESS;
}

thread_local unsigned current;

EXPORT CUresult cuCtxSetCurrent(void* context) {
    std::lock_guard<std::recursive_mutex> guard(driverLock());
    if (context && (context != &primary || primary.references == 0)) return explain(CUDA_ERROR_INVALID_CONTEXT, "the context has been released");
    current = context ? primary.generation : 0;
    return CUDA_SUCCESS;
}

// ---- memory

EXPORT CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
    ENTER();
    *total = settings.memoryBytes;
    *free = settings.memoryBytes - arenaLiveBytes();
    return CUDA_SUCCESS;
}

EXPORT CUresult cuMemAlloc_v2(uintptr_t* address, size_t bytes) {
    ENTER();
    UNSEEN_BY_CAPTURES();
    if (bytes == 0) return explain(CUDA_ERROR_INVALID_VALUE, "zero bytes");
    if (allocationFails()) return explain(CUDA_ERROR_OUT_OF_MEMORY, "as ordered");
    *address = arenaAllocate(bytes);
    return *address ? CUDA_SUCCESS : explain(CUDA_ERROR_OUT_OF_MEMORY, "%zu bytes asked for, %zu of %zu in use", bytes, arenaLiveBytes(), size_t(settings.memoryBytes));
}

EXPORT CUresult cuMemFree_v2(uintptr_t address) {
    ENTER();
    if (CUresult result = refuseInCapture(__func__)) return result;
    if (CUresult result = drainAll()) return result;
    return arenaFree(address) ? CUDA_SUCCESS : explain(CUDA_ERROR_INVALID_VALUE, "cuMemFree of %s", arenaDescribe(address).c_str());
}

EXPORT CUresult cuMemHostAlloc(void** address, size_t bytes, unsigned) {
    ENTER();
    UNSEEN_BY_CAPTURES();
    if (bytes == 0) return explain(CUDA_ERROR_INVALID_VALUE, "zero bytes");
    if (allocationFails()) return explain(CUDA_ERROR_OUT_OF_MEMORY, "as ordered");
    *address = pinnedAllocate(bytes);
    return *address ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

// Does not wait, as nothing promises that it would: a copy still to come then finds its memory gone.
EXPORT CUresult cuMemFreeHost(void* address) {
    ENTER_TO_DESTROY();
    UNSEEN_BY_CAPTURES();
    return pinnedFree(address) ? primary.lost : explain(CUDA_ERROR_INVALID_VALUE, "cuMemFreeHost of memory that is not pinned");
}

static CUresult onDevice(uintptr_t address, size_t bytes, const char* call) {
    return arenaContains(address, bytes) ? CUDA_SUCCESS : explain(CUDA_ERROR_INVALID_VALUE, "%s of %zu bytes at %s", call, bytes, arenaDescribe(address).c_str());
}

static CUresult isPinned(const void* address, size_t bytes, const char* call) {
    return pinnedContains(address, bytes) ? CUDA_SUCCESS : explain(CUDA_ERROR_INVALID_VALUE, "%s of %zu bytes with host memory that is not pinned", call, bytes);
}

EXPORT CUresult cuMemcpyHtoDAsync_v2(uintptr_t target, const void* source, size_t bytes, void* handle) {
    ENTER();
    STREAM(handle);
    if (CUresult result = onDevice(target, bytes, __func__)) return result;
    if (CUresult result = isPinned(source, bytes, __func__)) return result;
    // A GPU reads the source at any time until somebody has waited: what it holds must stay. A graph's may change from launch to launch.
    std::vector<char> before(stream->capture ? 0 : bytes);
    memcpy(before.data(), source, before.size());
    return enqueue(stream, [=, before = std::move(before)] {
        if (!arenaContains(target, bytes) || !pinnedContains(source, bytes)) return explain(CUDA_ERROR_ILLEGAL_ADDRESS, "memory of a copy was freed before it ran");
        if (memcmp(before.data(), source, before.size())) return explain(CUDA_ERROR_LAUNCH_FAILED, "the source of a copy of %zu bytes was changed before the copy had run", bytes);
        memcpy((void*)target, source, bytes);
        return CUDA_SUCCESS;
    });
}

EXPORT CUresult cuMemcpyDtoHAsync_v2(void* target, uintptr_t source, size_t bytes, void* handle) {
    ENTER();
    STREAM(handle);
    if (CUresult result = onDevice(source, bytes, __func__)) return result;
    if (CUresult result = isPinned(target, bytes, __func__)) return result;
    if (!stream->capture) memset(target, 0xFF, bytes);     // nobody may look before the wait
    return enqueue(stream, [=] {
        if (!arenaContains(source, bytes) || !pinnedContains(target, bytes)) return explain(CUDA_ERROR_ILLEGAL_ADDRESS, "memory of a copy was freed before it ran");
        memcpy(target, (void*)source, bytes);
        return CUDA_SUCCESS;
    });
}

EXPORT CUresult cuMemcpyDtoDAsync_v2(uintptr_t target, uintptr_t source, size_t bytes, void* handle) {
    ENTER();
    STREAM(handle);
    if (CUresult result = onDevice(source, bytes, __func__)) return result;
    if (CUresult result = onDevice(target, bytes, __func__)) return result;
    if (source < target + bytes && target < source + bytes) return explain(CUDA_ERROR_INVALID_VALUE, "source and target of a copy overlap");
    return enqueue(stream, [=] {
        if (!arenaContains(source, bytes) || !arenaContains(target, bytes)) return explain(CUDA_ERROR_ILLEGAL_ADDRESS, "memory of a copy was freed before it ran");
        memcpy((void*)target, (void*)source, bytes);
        return CUDA_SUCCESS;
    });
}

EXPORT CUresult cuMemsetD8Async(uintptr_t target, unsigned char value, size_t count, void* handle) {
    ENTER();
    STREAM(handle);
    if (CUresult result = onDevice(target, count, __func__)) return result;
    return enqueue(stream, [=] {
        if (!arenaContains(target, count)) return explain(CUDA_ERROR_ILLEGAL_ADDRESS, "memory was freed before it was set");
        memset((void*)target, value, count);
        return CUDA_SUCCESS;
    });
}
