// Switching between stacks: what a thread of a kernel runs on.
#pragma once
#include <cstdint>

#if defined(__x86_64__)

// Saves what the calling convention has a callee save on the current stack, stores the stack pointer in *from and goes on where `to` was left.
extern "C" void emuSwitch(void** from, void* to);

asm(R"(
.text
.type emuSwitch, @function
emuSwitch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size emuSwitch, .-emuSwitch
)");

// A stack that runs `entry` when first switched to; `entry` must not return.
inline void* newFiber(void* stackTop, void (*entry)()) {
    auto* top = (uint64_t*)((uintptr_t)stackTop & ~uintptr_t(15));
    *--top = 0;                                     // where a return address would be: keeps the alignment that a call leaves
    *--top = (uint64_t)entry;
    for (int i = 0; i < 6; i++) *--top = 0;
    return top;
}

#elif defined(__aarch64__)

extern "C" void emuSwitch(void** from, void* to);

asm(R"(
.text
.type emuSwitch, %function
emuSwitch:
    sub sp, sp, #160
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
.size emuSwitch, .-emuSwitch
)");

inline void* newFiber(void* stackTop, void (*entry)()) {
    auto* top = (uint64_t*)((uintptr_t)stackTop & ~uintptr_t(15));
    top -= 20;
    for (int i = 0; i < 20; i++) top[i] = 0;
    top[11] = (uint64_t)entry;                      // x30
    return top;
}

#else
#error "the emulated driver switches stacks on x86-64 and Arm64 only"
#endif
