// A module's image is a shared library that nvrtc.cpp had built from kernel text; loading it is loading that.
#include "emulator.h"
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>

std::string makeImage(int capability, const std::vector<std::string>& kernels, const std::string& library) {
    enum { None, Names, Symbols, Library, Count };
    std::string names(1, '\0');
    std::vector<Elf64_Sym> symbols(1);
    for (const auto& kernel : kernels) {
        Elf64_Sym symbol{};
        symbol.st_name = Elf64_Word(names.size());
        symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
        symbol.st_other = CudaEntry;
        symbol.st_shndx = Library;
        symbols.push_back(symbol);
        names += kernel + '\0';
    }
    Elf64_Ehdr header{};
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = CudaMachine;
    header.e_version = EV_CURRENT;
    header.e_flags = Elf64_Word(capability);
    header.e_ehsize = sizeof header;
    header.e_shoff = sizeof header;
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = Count;
    Elf64_Shdr sections[Count]{};
    std::string contents[Count] = {"", names, std::string((const char*)symbols.data(), symbols.size() * sizeof(Elf64_Sym)), library};
    Elf64_Word types[Count] = {SHT_NULL, SHT_STRTAB, SHT_SYMTAB, SHT_PROGBITS};
    std::string image((const char*)&header, sizeof header), body;
    for (int i = Names; i < Count; i++) {
        sections[i].sh_type = types[i];
        sections[i].sh_offset = sizeof header + sizeof sections + body.size();
        sections[i].sh_size = contents[i].size();
        body += contents[i];
    }
    sections[Symbols].sh_link = Names;
    sections[Symbols].sh_entsize = sizeof(Elf64_Sym);
    return image + std::string((const char*)sections, sizeof sections) + body;
}

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
    Elf64_Ehdr header;
    memcpy(&header, image, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_machine != CudaMachine) return explain(CUDA_ERROR_INVALID_IMAGE, "not an image of the emulated compiler");
    if (int(header.e_flags) != settings.capabilityMajor * 10 + settings.capabilityMinor) {
        return explain(CUDA_ERROR_NO_BINARY_FOR_GPU, "the image is for sm_%u", header.e_flags);
    }
    auto module = std::make_unique<Module>();
    for (int i = 0; i < header.e_shnum; i++) {
        Elf64_Shdr section;
        memcpy(&section, image + header.e_shoff + i * sizeof section, sizeof section);
        if (section.sh_type == SHT_PROGBITS) module->loaded.image.assign(image + section.sh_offset, image + section.sh_offset + section.sh_size);
    }
    int file = memfd_create("kernels", MFD_CLOEXEC);
    if (file < 0 || write(file, module->loaded.image.data(), module->loaded.image.size()) != (ssize_t)module->loaded.image.size()) return explain(CUDA_ERROR_OUT_OF_MEMORY, "no memory for a module's file");
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

long lookups, lookupsWhileRecording;

void unloadModule(Module* module) {
    primary.modules.erase(module);
    for (const auto& [name, function] : module->functions) primary.functions.erase(function.get());
    dlclose(module->loaded.library);
    delete module;
}

EXPORT CUresult cuModuleLoadData(void** result, const void* image) {
    ENTER();
    UNSEEN_BY_CAPTURES();
    if (CUresult result = loadBreaksCaptures(__func__)) return result;
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
    if (!function) {
        if (CUresult result = loadBreaksCaptures(__func__)) return result;
        lookups++;
        lookupsWhileRecording += anyCapture();
    }
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
    constexpr int SharedSizeBytes = 1;
    if (attribute != SharedSizeBytes) return explain(CUDA_ERROR_INVALID_VALUE, "function attribute %d is not emulated", attribute);
    *value = 0;                                     // of the real code: only the real compiler knows
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
    if (settings.parametersUnknown || index >= (size_t)kernel->parameterCount) return CUDA_ERROR_INVALID_VALUE;
    size_t at = 0;
    for (size_t i = 0; i <= index; i++) {
        at = (at + kernel->parameterAlignments[i] - 1) / kernel->parameterAlignments[i] * kernel->parameterAlignments[i];
        *offset = at;
        at += kernel->parameterSizes[i];
    }
    *size = kernel->parameterSizes[index];
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
