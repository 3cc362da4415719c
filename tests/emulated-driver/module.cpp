// A module's image is a shared library that nvrtc.cpp had built from kernel text; loading it is loading that.
#include "emulator.h"
#include <cstring>
#include <dlfcn.h>
#include <link.h>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>

static void findImage(LoadedModule& module) {
    dl_iterate_phdr([](dl_phdr_info* info, size_t, void* data) {
        auto& m = *(LoadedModule*)data;
        for (int i = 0; i < info->dlpi_phnum; i++) {
            const auto& header = info->dlpi_phdr[i];
            uintptr_t begin = info->dlpi_addr + header.p_vaddr, end = begin + header.p_memsz;
            if (header.p_type == PT_LOAD && (uintptr_t)m.kernels >= begin && (uintptr_t)m.kernels < end) {
                m.begin = info->dlpi_addr;
                for (int j = 0; j < info->dlpi_phnum; j++) {
                    if (info->dlpi_phdr[j].p_type == PT_LOAD) m.end = std::max(m.end, uintptr_t(info->dlpi_addr + info->dlpi_phdr[j].p_vaddr + info->dlpi_phdr[j].p_memsz));
                }
                return 1;
            }
        }
        return 0;
    }, &module);
}

CUresult loadModule(const char* image, Module** result) {
    ImageHeader header;
    memcpy(&header, image, sizeof header);
    if (memcmp(header.magic, ImageMagic, sizeof ImageMagic)) return explain(CUDA_ERROR_INVALID_IMAGE, "not an image of the emulated compiler");
    if (int(header.capability) != settings.capabilityMajor * 10 + settings.capabilityMinor) {
        return explain(CUDA_ERROR_NO_BINARY_FOR_GPU, "the image is for sm_%u", header.capability);
    }
    auto module = std::make_unique<Module>();
    module->loaded.image.assign(image + sizeof header, image + sizeof header + header.bytes);
    int file = memfd_create("kernels", MFD_CLOEXEC);
    if (file < 0 || write(file, module->loaded.image.data(), header.bytes) != (ssize_t)header.bytes) return explain(CUDA_ERROR_OUT_OF_MEMORY, "no memory for a module's file");
    // The dynamic linker takes a library of a name that it knows for the one it has loaded, and file numbers come back: the module's own
    // number, spelt in "/" and "/./", makes the name new.
    static unsigned modules = 0;
    std::string path = "/proc/self/fd";
    for (unsigned number = ++modules; number; number >>= 1) path += number & 1 ? "/." : "/";
    path += "/" + std::to_string(file);
    module->loaded.library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    close(file);
    if (!module->loaded.library) return explain(CUDA_ERROR_INVALID_IMAGE, "%s", dlerror());
    auto* list = (const Kernel*)dlsym(module->loaded.library, "emuKernels");
    auto* count = (const int*)dlsym(module->loaded.library, "emuKernelCount");
    if (!list || !count) return explain(CUDA_ERROR_INVALID_IMAGE, "the module lists no kernels");
    module->loaded.kernels = list;
    module->loaded.kernelCount = *count;
    findImage(module->loaded);
    *result = module.release();
    primary.modules.insert(*result);
    return CUDA_SUCCESS;
}

long lookupsWhileRecording;

void unloadModule(Module* module) {
    primary.modules.erase(module);
    for (const auto& [name, function] : module->functions) primary.functions.erase(function.get());
    dlclose(module->loaded.library);
    delete module;
}

EXPORT CUresult cuModuleLoadData(void** result, const void* image) {
    ENTER();
    UNSEEN_BY_CAPTURES();
    if (allocationFails()) return explain(CUDA_ERROR_OUT_OF_MEMORY, "as ordered");
    return loadModule((const char*)image, (Module**)result);
}

EXPORT CUresult cuModuleUnload(void* handle) {
    ENTER_TO_DESTROY();
    UNSEEN_BY_CAPTURES();
    if (!primary.modules.count((Module*)handle)) return CUDA_ERROR_INVALID_HANDLE;
    drainAll();
    unloadModule((Module*)handle);
    return primary.lost;
}

// Lazy loading, which is the driver's default, brings a kernel to the GPU here.
EXPORT CUresult cuModuleGetFunction(void** result, void* handle, const char* name) {
    ENTER();
    UNSEEN_BY_CAPTURES();
    auto* module = (Module*)handle;
    if (!primary.modules.count(module)) return CUDA_ERROR_INVALID_HANDLE;
    auto& function = module->functions[name];
    lookupsWhileRecording += !function && anyCapture();
    for (int i = 0; i < module->loaded.kernelCount && !function; i++) {
        const Kernel& kernel = module->loaded.kernels[i];
        if (!strcmp(kernel.name, name)) function = std::make_unique<Function>(Function{&module->loaded, &kernel, 48 << 10});
    }
    *result = function.get();
    if (function) primary.functions.insert(function.get());
    return function ? CUDA_SUCCESS : explain(CUDA_ERROR_NOT_FOUND, "the module has no kernel %s (declared extern \"C\" __global__)", name);
}

EXPORT CUresult cuFuncGetAttribute(int* value, int attribute, void* handle) {
    ENTER();
    FUNCTION(handle);
    switch (attribute) {
        case 0: *value = function->kernel->maxThreads; break;
        case 8: *value = function->dynamicSharedLimit; break;
        default: *value = 0;                        // registers and memory of the real code: only the real compiler knows
    }
    return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncSetAttribute(void* handle, int attribute, int value) {
    ENTER();
    FUNCTION(handle);
    if (attribute != 8) return explain(CUDA_ERROR_INVALID_VALUE, "function attribute %d is not emulated", attribute);
    if (value < 0 || value > optInSharedBytes()) return explain(CUDA_ERROR_INVALID_VALUE, "%d bytes of shared memory, of %d KiB", value, optInSharedBytes() >> 10);
    function->dynamicSharedLimit = value;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncGetParamInfo(void* handle, size_t index, size_t* offset, size_t* size) {
    ENTER();
    FUNCTION(handle);
    const Kernel* kernel = function->kernel;
    if (index >= (size_t)kernel->parameterCount) return CUDA_ERROR_INVALID_VALUE;
    size_t at = 0;
    for (size_t i = 0; i <= index; i++) {
        at = (at + kernel->parameterAlignments[i] - 1) / kernel->parameterAlignments[i] * kernel->parameterAlignments[i];
        *offset = at;
        at += kernel->parameterSizes[i];
    }
    *size = kernel->parameterSizes[index];
    return CUDA_SUCCESS;
}

EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void* handle, int threads, size_t sharedBytes) {
    ENTER();
    FUNCTION(handle);
    if ((int)sharedBytes > function->dynamicSharedLimit) return explain(CUDA_ERROR_INVALID_VALUE, "%zu bytes of shared memory, above the %d allowed", sharedBytes, function->dynamicSharedLimit);
    *blocks = std::min(2048 / std::max(threads, 1), sharedBytes ? int((228 << 10) / (sharedBytes + 1024)) : 32);
    return CUDA_SUCCESS;
}

CUresult launch(Function* function, Dim3 grid, Dim3 block, uint32_t sharedBytes, Stream* stream, void** arguments) {
    const Kernel* kernel = function->kernel;
    // Arguments are copied now, as the driver does: the caller's variables may be gone when the launch runs.
    struct Argument { alignas(64) char bytes[128]; };
    auto copies = std::make_shared<std::vector<Argument>>(kernel->parameterCount);
    for (int i = 0; i < kernel->parameterCount; i++) memcpy((*copies)[i].bytes, arguments[i], kernel->parameterSizes[i]);
    int sharedLimit = function->dynamicSharedLimit;
    return enqueue(stream, [=] {
        launchCounts[kernel->name]++;
        launchTotal++;
        if (CUresult fault = launchFault(kernel->name)) return fault;
        std::vector<void*> pointers;
        for (auto& copy : *copies) pointers.push_back(copy.bytes);
        return runGrid(*function->module, *kernel, grid, block, sharedBytes, sharedLimit, pointers.data());
    });
}

EXPORT CUresult cuLaunchKernel(void* handle, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned sharedBytes, void* streamHandle, void** arguments, void** extra) {
    ENTER();
    FUNCTION(handle);
    STREAM(streamHandle);
    const char* name = function->kernel->name;
    Dim3 grid{gx, gy, gz}, block{bx, by, bz};
    if (extra) return explain(CUDA_ERROR_INVALID_VALUE, "%s: packed arguments are not emulated", name);
    if (grid.count() == 0 || gx > 0x7fffffff || gy > 65535 || gz > 65535) return explain(CUDA_ERROR_INVALID_VALUE, "%s: a grid of (%u, %u, %u) blocks", name, gx, gy, gz);
    if (block.count() == 0 || block.count() > 1024 || bz > 64) return explain(CUDA_ERROR_INVALID_VALUE, "%s: blocks of (%u, %u, %u) threads", name, bx, by, bz);
    if (block.count() > (uint64_t)function->kernel->maxThreads) return explain(CUDA_ERROR_INVALID_VALUE, "%s: blocks of %u threads, above its launch bound of %d", name, unsigned(block.count()), function->kernel->maxThreads);
    if ((int)sharedBytes > function->dynamicSharedLimit) return explain(CUDA_ERROR_INVALID_VALUE, "%s: %u bytes of shared memory, above the %d allowed", name, sharedBytes, function->dynamicSharedLimit);
    return launch(function, grid, block, sharedBytes, stream, arguments);
}
