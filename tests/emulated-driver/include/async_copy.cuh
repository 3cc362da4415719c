// The emulated version of kernels/include/async_copy.cuh: copies land when waited for, and never else.
#pragma once
#include "common.cuh"

static inline void copyAsync16(void* shared, const void* global, bool valid = true) { emuCopyAsync(shared, global, 16, valid ? 16 : 0); }
static inline void copyAsync4(void* shared, const void* global, bool valid = true) { emuCopyAsync(shared, global, 4, valid ? 4 : 0); }
static inline void commitCopies() { emuCommitCopies(); }
template <int left> static inline void waitCopies() { emuWaitCopies(left); }
