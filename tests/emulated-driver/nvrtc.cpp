// The emulated run-time compiler: kernel text goes, unchanged, through g++'s preprocessor behind include/prelude.h; in what comes out the
// three words that C++ has no macro for are rewritten, and g++ makes a shared library of it. Headers named like one in include/ are
// replaced by that: they hold instructions in PTX.
#include "emulator.h"
#include "rewrite.h"
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

enum nvrtcResult : int {
    NVRTC_SUCCESS = 0, NVRTC_ERROR_OUT_OF_MEMORY = 1, NVRTC_ERROR_PROGRAM_CREATION_FAILURE = 2, NVRTC_ERROR_INVALID_INPUT = 3, NVRTC_ERROR_INVALID_PROGRAM = 4,
    NVRTC_ERROR_INVALID_OPTION = 5, NVRTC_ERROR_COMPILATION = 6,
};

struct Program {
    std::string source, name, log, image;
    std::vector<std::pair<std::string, std::string>> headers;
};

// The build defines where the headers are, what this library is called, and a number that changes with any of its sources.
static const std::string folder = EMULATOR_FOLDER, self = EMULATOR_SONAME;

EXPORT nvrtcResult nvrtcVersion(int* major, int* minor) {
    *major = 12;
    *minor = EMULATOR_DIGEST;                       // compiled kernels of another emulator are not taken for this one's
    return NVRTC_SUCCESS;
}

EXPORT const char* nvrtcGetErrorString(nvrtcResult result) {
    switch (result) {
        case NVRTC_SUCCESS: return "NVRTC_SUCCESS";
        case NVRTC_ERROR_INVALID_OPTION: return "NVRTC_ERROR_INVALID_OPTION";
        case NVRTC_ERROR_COMPILATION: return "NVRTC_ERROR_COMPILATION";
        default: return "NVRTC_ERROR";
    }
}

static const int architectures[] = {75, 80, 86, 89, 90, 100, 120};

EXPORT nvrtcResult nvrtcGetNumSupportedArchs(int* count) {
    *count = int(std::size(architectures));
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetSupportedArchs(int* list) {
    std::copy(std::begin(architectures), std::end(architectures), list);
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcCreateProgram(Program** result, const char* source, const char* name, int headerCount, const char** headers, const char** includeNames) {
    auto* program = new Program;
    program->source = source;
    program->name = name ? name : "default_program";
    for (int i = 0; i < headerCount; i++) program->headers.emplace_back(includeNames[i], headers[i]);
    *result = program;
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcDestroyProgram(Program** program) {
    delete *program;
    *program = nullptr;
    return NVRTC_SUCCESS;
}

static std::string readFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    return content.str();
}

static void writeFile(const std::string& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

// Runs a program with its output in a file.
static bool runTool(const std::vector<std::string>& words, const std::string& output) {
    std::vector<char*> arguments;
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t child;
    int status = 1;
    bool started = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    while (started && waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return started && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// The kernels that rewriteKernels listed at the end of its text.
static std::vector<std::string> kernelNames(const std::string& rewritten) {
    static const std::string mark = ">::describe(\"";
    std::vector<std::string> names;
    for (size_t at = rewritten.find(mark); at != std::string::npos; at = rewritten.find(mark, at)) {
        at += mark.size();
        names.push_back(rewritten.substr(at, rewritten.find('"', at) - at));
    }
    return names;
}

static bool build(Program& program, const std::string& scratch, int capability, bool archSpecific, bool fused) {
    std::string base = scratch + "/" + program.name, log = scratch + "/log";
    writeFile(base, program.source);
    for (const auto& [name, text] : program.headers) {
        std::string twin = folder + "/include/" + name;
        writeFile(scratch + "/" + name, access(twin.c_str(), R_OK) == 0 ? "#include \"" + twin + "\"\n" : text);
    }
    std::vector<std::string> preprocess = {
        "g++", "-E", "-x", "c++", "-std=c++20", "-w", "-include", folder + "/include/prelude.h", "-I" + scratch, "-D__CUDACC_RTC__=1", "-D__CUDACC__=1",
        "-D__CUDA_ARCH__=" + std::to_string(capability * 10), base, "-o", base + ".ii",
    };
    if (archSpecific) preprocess.push_back("-D__CUDA_ARCH_FEAT_SM" + std::to_string(capability) + "_ALL=1");
    bool good = runTool(preprocess, log);
    std::vector<std::string> kernels;
    if (good) {
        std::string error, text = rewriteKernels(readFile(base + ".ii"), error);
        if (good = error.empty(); !good) program.log = error;
        kernels = kernelNames(text);
        writeFile(base + ".rewritten.ii", text);
    }
    good = good && runTool({
        "g++", "-x", "c++-cpp-output", "-std=c++20", "-O2", "-g1", "-w", "-fPIC", "-shared", "-fno-exceptions", "-fno-rtti", fused ? "-ffp-contract=fast" : "-ffp-contract=off", "-fno-strict-aliasing",
        "-fno-optimize-sibling-calls", "-fno-plt", "-fvisibility=hidden",
#if defined(__x86_64__)
        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? "-march=x86-64-v3" : "-msse2",
#endif
        "-fsanitize=kernel-address,alignment,bounds,signed-integer-overflow,shift-exponent,integer-divide-by-zero", "-fsanitize-recover=all", "--param", "asan-instrumentation-with-call-threshold=0", "--param", "asan-stack=0", "--param", "asan-globals=0",
        base + ".rewritten.ii", "-x", "none", "-L" EMULATOR_LIBRARY_FOLDER, "-l:" + self, "-o", scratch + "/module.so",
    }, log);
    program.log += readFile(log);
    if (!good) return false;
    program.image = makeImage(capability, kernels, readFile(scratch + "/module.so"));
    return true;
}

EXPORT nvrtcResult nvrtcCompileProgram(Program* program, int optionCount, const char** options) {
    int capability = 75;
    bool archSpecific = false, fused = true;        // --fmad is on unless said otherwise
    for (int i = 0; i < optionCount; i++) {
        std::string option = options[i];
        if (option.rfind("--gpu-architecture=sm_", 0) == 0) {
            capability = atoi(option.c_str() + 22);
            archSpecific = option.back() == 'a';
        } else if (option == "--fmad=false") {
            fused = false;
        } else if (option != "--std=c++17" && option != "--generate-line-info" && option != "--ptxas-options=-v" && option != "--fmad=true") {
            program->log = "unknown option " + option;
            return NVRTC_ERROR_INVALID_OPTION;
        }
    }
    std::error_code none;
    std::string scratch = std::filesystem::temp_directory_path(none) / "emulated-nvrtc-XXXXXX";
    if (!mkdtemp(scratch.data())) return NVRTC_ERROR_OUT_OF_MEMORY;
    bool good = build(*program, scratch, capability, archSpecific, fused);
    runTool({"rm", "-r", scratch}, "/dev/null");
    return good ? NVRTC_SUCCESS : NVRTC_ERROR_COMPILATION;
}

EXPORT nvrtcResult nvrtcGetCUBINSize(Program* program, size_t* bytes) {
    *bytes = program->image.size();
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetCUBIN(Program* program, char* image) {
    memcpy(image, program->image.data(), program->image.size());
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetProgramLogSize(Program* program, size_t* bytes) {
    *bytes = program->log.size() + 1;
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetProgramLog(Program* program, char* log) {
    memcpy(log, program->log.c_str(), program->log.size() + 1);
    return NVRTC_SUCCESS;
}
