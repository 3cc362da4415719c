// Comes before the text of every kernel file when g++ compiles it: CUDA's language and built-in functions, as far as kernels use them.
// __global__, __shared__ and __launch_bounds__ are not here: nvrtc.cpp rewrites them in the preprocessed text.
#pragma once
#include "emulator_api.h"
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__

#define threadIdx (emuThread()->threadIdx)
#define blockIdx (emuThread()->blockIdx)
#define blockDim (emuThread()->blockDim)
#define gridDim (emuThread()->gridDim)
constexpr int warpSize = 32;

// ---- vector types

#define EMU_VECTOR(type, name, align2, align4) \
    struct __align__(align2) name##2 { type x, y; }; \
    struct name##3 { type x, y, z; }; \
    struct __align__(align4) name##4 { type x, y, z, w; }; \
    static inline name##2 make_##name##2(type x, type y) { return {x, y}; } \
    static inline name##3 make_##name##3(type x, type y, type z) { return {x, y, z}; } \
    static inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
EMU_VECTOR(float, float, 8, 16)
EMU_VECTOR(int, int, 8, 16)
EMU_VECTOR(unsigned char, uchar, 2, 4)
EMU_VECTOR(signed char, char, 2, 4)
EMU_VECTOR(short, short, 4, 8)
EMU_VECTOR(unsigned short, ushort, 4, 8)
EMU_VECTOR(double, double, 16, 16)
EMU_VECTOR(long long, longlong, 16, 16)
struct __align__(8) uint2 { unsigned x, y; };
struct __align__(16) uint4 { unsigned x, y, z, w; };
static inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
static inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
struct __align__(16) ulonglong2 { unsigned long long x, y; };

// ---- arithmetic
// Sums of products are fused, as NVRTC does (nvrtc.cpp: -ffp-contract); what is rounded by name is rounded.

#if defined(__x86_64__)
#define EMU_ROUNDED(type, a) ({ type rounded = (a); asm("" : "+x"(rounded)); rounded; })
#else
#define EMU_ROUNDED(type, a) ({ type rounded = (a); asm("" : "+w"(rounded)); rounded; })
#endif

using std::isfinite; using std::isinf; using std::isnan;
static inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }
static inline float __fadd_rn(float a, float b) { return EMU_ROUNDED(float, a + b); }
static inline float __fsub_rn(float a, float b) { return EMU_ROUNDED(float, a - b); }
static inline float __fmul_rn(float a, float b) { return EMU_ROUNDED(float, a * b); }
static inline float __fdiv_rn(float a, float b) { return EMU_ROUNDED(float, a / b); }
static inline float __fsqrt_rn(float a) { return EMU_ROUNDED(float, sqrtf(a)); }
static inline float __frcp_rn(float a) { return EMU_ROUNDED(float, 1.0f / a); }
static inline double __dadd_rn(double a, double b) { return EMU_ROUNDED(double, a + b); }
static inline double __dmul_rn(double a, double b) { return EMU_ROUNDED(double, a * b); }
static inline float __saturatef(float a) { return a > 0.0f ? (a < 1.0f ? a : 1.0f) : 0.0f; }
static inline float __frsqrt_rn(float a) { return float(1.0 / sqrt(double(a))); }
static inline double rsqrt(double a) { return 1.0 / sqrt(a); }
// e^(a²)·erfc a for a ≥ 0; beyond 3 by its continued fraction (1/√π)/(a + ½/(a + 1/(a + 1½/(a + …)))).
static inline double erfcx(double a) {
    if (a < 3.0) return exp(a * a) * erfc(a);
    double fraction = a;
    for (int n = 60; n > 0; n--) fraction = a + 0.5 * n / fraction;
    return 1.0 / (sqrt(M_PI) * fraction);
}

// The functions that CUDA documents to be off by some units in the last place are off by so many here, up or down by their bits, so that a
// tolerance which a GPU might miss is missed here. What float32 holds exactly stays exact. __logf, __sinf and __cosf, whose errors are documented
// otherwise, are not emulated.
static inline float emuInexact(double exact, int units) {
    float result = float(exact);
    if (!isfinite(result) || double(result) == exact) return result;
    unsigned bits;
    memcpy(&bits, &result, sizeof bits);
    int steps = int((bits * 2654435761u >> 8) % (2 * units)) - (units - 1);   // beyond the exact result, or before it
    float to = (double(result) < exact) == (steps > 0) ? INFINITY : -INFINITY;
    for (int i = steps < 0 ? -steps : steps; i > 0; i--) result = nextafterf(result, to);
    return result;
}
#define expf(a) emuInexact(exp(double(a)), 2)
#define exp2f(a) emuInexact(exp2(double(a)), 2)
#define logf(a) emuInexact(log(double(a)), 1)
#define sinf(a) emuInexact(sin(double(a)), 2)
#define cosf(a) emuInexact(cos(double(a)), 2)
#define tanhf(a) emuInexact(tanh(double(a)), 2)
#define rsqrtf(a) emuInexact(1.0 / sqrt(double(a)), 2)
#define __expf(a) emuInexact(exp(double(a)), 2 + int(fabs(1.173 * double(a))))
// Divisors beyond 2^126 give 0.
static inline float __fdividef(float a, float b) { return fabsf(b) > 0x1p126f && isfinite(b) ? 0.0f * a : emuInexact(double(a) / b, 2); }
static inline void sincospif(float a, float* sine, float* cosine) {
    double turns = remainder(double(a), 2.0);
    *sine = turns == rint(turns) ? 0.0f : emuInexact(sin(M_PI * turns), 1);
    *cosine = turns + 0.5 == rint(turns + 0.5) ? 0.0f : emuInexact(cos(M_PI * turns), 1);
}

template <class A, class B> static inline std::common_type_t<A, B> min(A a, B b) { return b < a ? b : a; }
template <class A, class B> static inline std::common_type_t<A, B> max(A a, B b) { return a < b ? b : a; }
template <> inline float min(float a, float b) { return fminf(a, b); }
template <> inline float max(float a, float b) { return fmaxf(a, b); }

static inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned((unsigned long long)a * b >> 32); }
static inline int __popc(unsigned a) { return __builtin_popcount(a); }
static inline int __clz(int a) { return a ? __builtin_clz(a) : 32; }
static inline int __ffs(int a) { return __builtin_ffs(a); }
static inline unsigned __brev(unsigned a) { unsigned r = 0; for (int i = 0; i < 32; i++) r |= (a >> i & 1) << (31 - i); return r; }

template <class To, class From> static inline To emuBits(From value) {
    static_assert(sizeof(To) == sizeof(From));
    To bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
static inline int __float_as_int(float a) { return emuBits<int>(a); }
static inline unsigned __float_as_uint(float a) { return emuBits<unsigned>(a); }
static inline float __int_as_float(int a) { return emuBits<float>(a); }
static inline float __uint_as_float(unsigned a) { return emuBits<float>(a); }
static inline long long __double_as_longlong(double a) { return emuBits<long long>(a); }
static inline double __longlong_as_double(long long a) { return emuBits<double>(a); }
static inline int __float2int_rn(float a) { return (int)rintf(a); }
static inline int __float2int_rd(float a) { return (int)floorf(a); }
static inline float __int2float_rn(int a) { return (float)a; }
static inline float __uint2float_rn(unsigned a) { return (float)a; }
static inline float __double2float_rn(double a) { return (float)a; }

// ---- memory

template <class T> static inline T __ldg(const T* p) { return *p; }
template <class T> static inline T __ldcg(const T* p) { return *p; }
template <class T> static inline T __ldcs(const T* p) { return *p; }
template <class T> static inline void __stcg(T* p, T v) { *p = v; }
template <class T> static inline void __stcs(T* p, T v) { *p = v; }
static inline void __threadfence() { emuAcquire(); }
static inline void __threadfence_block() {}
static inline size_t __cvta_generic_to_shared(const void* p) { return (size_t)p; }
static inline void __trap() { emuTrap("executed __trap()"); }

template <class T, class Op> static inline T emuAtomic(T* address, Op op) {
    static_assert(std::is_integral_v<T>, "atomics on floats make results depend on the order of threads");
    emuCheckAtomic(address, sizeof(T));
    volatile T* p = address;
    T old = *p;
    *p = op(old);
    return old;
}
template <class T> static inline T atomicAdd(T* p, T v) { return emuAtomic(p, [=](T old) { return T(old + v); }); }
template <class T> static inline T atomicSub(T* p, T v) { return emuAtomic(p, [=](T old) { return T(old - v); }); }
template <class T> static inline T atomicMax(T* p, T v) { return emuAtomic(p, [=](T old) { return old < v ? v : old; }); }
template <class T> static inline T atomicMin(T* p, T v) { return emuAtomic(p, [=](T old) { return v < old ? v : old; }); }
template <class T> static inline T atomicOr(T* p, T v) { return emuAtomic(p, [=](T old) { return T(old | v); }); }
template <class T> static inline T atomicAnd(T* p, T v) { return emuAtomic(p, [=](T old) { return T(old & v); }); }
template <class T> static inline T atomicExch(T* p, T v) { return emuAtomic(p, [=](T) { return v; }); }
template <class T> static inline T atomicCAS(T* p, T compare, T v) { return emuAtomic(p, [=](T old) { return old == compare ? v : old; }); }
static inline unsigned atomicInc(unsigned* p, unsigned limit) { return emuAtomic(p, [=](unsigned old) { return old >= limit ? 0u : old + 1; }); }

template <class T> static inline T& emuShared() {
    static const char key = 0;
    return *(T*)emuSharedVariable(&key, sizeof(T), alignof(T));
}

// ---- barriers and warps

#define __syncthreads() emuBarrier(0, 0, __FILE__, __LINE__)
#define __syncthreads_count(p) emuBarrierCount((p) ? 1 : 0, __FILE__, __LINE__)
#define __syncthreads_or(p) (emuBarrierCount((p) ? 1 : 0, __FILE__, __LINE__) != 0)
#define __syncthreads_and(p) (emuBarrierCount((p) ? 0 : 1, __FILE__, __LINE__) == 0)
#define EMU_FIRST(a, ...) a
#define __syncwarp(...) emuSyncWarp(EMU_FIRST(__VA_ARGS__ __VA_OPT__(,) 0xffffffffu), __FILE__, __LINE__)

enum EmuShuffle { EmuIndex, EmuUp, EmuDown, EmuXor };

template <EmuShuffle kind, class T> static inline T emuShuffle(const char* what, const char* file, int line, unsigned mask, T value, int argument, int width = 32) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles move 4 or 8 bytes");
    struct Lane { T value, result; int argument, width; } mine{value, value, argument, width};
    emuWarp(what, mask, &mine, [](void** lanes, uint32_t) {
        for (int i = 0; i < 32; i++) {
            auto* lane = (Lane*)lanes[i];
            if (!lane) continue;
            int first = i & ~(lane->width - 1), source = i;
            if (kind == EmuIndex) source = first + (lane->argument & (lane->width - 1));
            if (kind == EmuUp) source = i - lane->argument < first ? i : i - lane->argument;
            if (kind == EmuDown) source = i + lane->argument >= first + lane->width ? i : i + lane->argument;
            if (kind == EmuXor) source = (i ^ lane->argument) >= first + lane->width ? i : i ^ lane->argument;
            if (lanes[source]) lane->result = ((Lane*)lanes[source])->value;
            else memset(&lane->result, 0xFF, sizeof(T));     // a lane that takes no part: its value is undefined
        }
    }, file, line);
    return mine.result;
}
#define __shfl_sync(...) emuShuffle<EmuIndex>("__shfl_sync", __FILE__, __LINE__, __VA_ARGS__)
#define __shfl_up_sync(...) emuShuffle<EmuUp>("__shfl_up_sync", __FILE__, __LINE__, __VA_ARGS__)
#define __shfl_down_sync(...) emuShuffle<EmuDown>("__shfl_down_sync", __FILE__, __LINE__, __VA_ARGS__)
#define __shfl_xor_sync(...) emuShuffle<EmuXor>("__shfl_xor_sync", __FILE__, __LINE__, __VA_ARGS__)

static inline unsigned emuBallot(const char* what, const char* file, int line, unsigned mask, int predicate) {
    struct Lane { int predicate; unsigned result; } mine{predicate, 0};
    emuWarp(what, mask, &mine, [](void** lanes, uint32_t) {
        unsigned votes = 0;
        for (int i = 0; i < 32; i++) votes |= lanes[i] && ((Lane*)lanes[i])->predicate ? 1u << i : 0u;
        for (int i = 0; i < 32; i++) if (lanes[i]) ((Lane*)lanes[i])->result = votes;
    }, file, line);
    return mine.result;
}
#define __ballot_sync(mask, p) emuBallot("__ballot_sync", __FILE__, __LINE__, mask, (p) ? 1 : 0)
#define __any_sync(mask, p) (emuBallot("__any_sync", __FILE__, __LINE__, mask, (p) ? 1 : 0) != 0)
#define __all_sync(mask, p) (emuBallot("__all_sync", __FILE__, __LINE__, mask, (p) ? 0 : 1) == 0)

// ---- the list of kernels that a module ends with

#define EMU_UNCHECKED __attribute__((noipa, no_sanitize("kernel-address"), no_sanitize("undefined")))

template <class... A> struct EmuSignature {
    static constexpr uint32_t sizes[] = {uint32_t(sizeof(A))..., 0};
    static constexpr uint32_t alignments[] = {uint32_t(alignof(A))..., 0};
};
template <auto kernel> struct EmuInvoker;
template <class... A, void (*kernel)(A...)> struct EmuInvoker<kernel> {
    // The arguments are the driver's own memory, which a thread may not read otherwise.
    template <size_t... I> EMU_UNCHECKED static void call(void** p, std::index_sequence<I...>) { kernel(*(std::remove_reference_t<A>*)p[I]...); }
    EMU_UNCHECKED static void invoke(void** p) { call(p, std::index_sequence_for<A...>{}); }
    static constexpr EmuKernel describe(const char* name, int maxThreads) {
        return {name, invoke, int(sizeof...(A)), EmuSignature<A...>::sizes, EmuSignature<A...>::alignments, maxThreads};
    }
};
constexpr int emuFirst(int first, ...) { return first; }
