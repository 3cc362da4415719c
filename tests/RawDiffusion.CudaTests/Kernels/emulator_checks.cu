// Kernels that do one thing right or one thing wrong, for the tests of the emulated driver.
#include "async_copy.cuh"
#include "mma.cuh"
#include "reduce.cuh"
#include "vector.cuh"

// ---- right

// out[kind][thread]: what each kind of shuffle gives for value = 100 + thread, then the votes.
KERNEL shuffles(int* out) {
    int t = threadIdx.x, n = blockDim.x, value = 100 + t;
    out[0 * n + t] = __shfl_sync(AllLanes, value, 7);
    out[1 * n + t] = __shfl_sync(AllLanes, value, 3, 8);
    out[2 * n + t] = __shfl_up_sync(AllLanes, value, 2);
    out[3 * n + t] = __shfl_down_sync(AllLanes, value, 2, 16);
    out[4 * n + t] = __shfl_xor_sync(AllLanes, value, 5);
    out[5 * n + t] = (int)__ballot_sync(AllLanes, t % 3 == 0);
    out[6 * n + t] = __any_sync(AllLanes, t == 40) * 2 + __all_sync(AllLanes, t < 32);
    out[7 * n + t] = __syncthreads_count(t % 2 == 0);
    if (t % 32 < 16) out[8 * n + t] = __shfl_xor_sync(0x0000ffffu, value, 1);
}

KERNEL block_sums(double* sums, const float* x) {
    double sum = blockSum((double)x[blockIdx.x * blockDim.x + threadIdx.x]);
    double again = blockSum(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum + 0 * again;
}

// The block that comes last adds up what all blocks left: fixed order, whatever the order of blocks was.
KERNEL last_block_sum(float* sum, float* partial, u32* arrived, u32* order, const float* x) {
    __shared__ bool last;
    float mine = blockSum(x[blockIdx.x * blockDim.x + threadIdx.x]);
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = mine;
        __threadfence();
        u32 before = atomicAdd(arrived, 1u);
        order[before] = blockIdx.x;
        last = before == gridDim.x - 1;
    }
    __syncthreads();
    if (last && threadIdx.x == 0) {
        float total = 0.0f;
        for (int i = 0; i < (int)gridDim.x; i++) total += partial[i];
        *sum = total;
    }
}

// Reverses each 64 elements through dynamic shared memory, brought there by cp.async.
KERNEL reverse_async(float* y, const float* x) {
    extern __shared__ __align__(16) float buffer[];
    int t = threadIdx.x;
    if (t < 16) copyAsync16(buffer + 4 * t, x + 64 * blockIdx.x + 4 * t);
    commitCopies();
    waitCopies<0>();
    __syncthreads();
    y[64 * blockIdx.x + t] = buffer[63 - t];
}

// One warp: c [16][8] = a [16][16] · b [16][8] in bf16 through ldmatrix, and c2 = a[:, :8] · b[:8, :] in tf32.
KERNEL matrix_products(float* c, float* c2, const float* a, const float* b) {
    __shared__ __align__(16) unsigned short tileA[16 * 16], tileB[16 * 8];
    int lane = threadIdx.x, group = lane / 4, member = lane % 4;
    for (int i = lane; i < 256; i += 32) tileA[i] = (unsigned short)packBf16(a[i], 0.0f);
    for (int i = lane; i < 128; i += 32) tileB[i] = (unsigned short)packBf16(b[i], 0.0f);
    __syncthreads();
    u32 fa[4], fb[4];
    loadMatrices(fa, tileA + (lane % 16) * 16 + lane / 16 * 8);
    loadMatricesTransposed(fb, tileB + (lane % 16) * 8);
    float d[4] = {};
    u32 b2[2] = {fb[0], fb[1]};
    mmaBf16(d, fa, b2);
    u32 ta[4] = {toTf32(a[group * 16 + member]), toTf32(a[(group + 8) * 16 + member]), toTf32(a[group * 16 + member + 4]), toTf32(a[(group + 8) * 16 + member + 4])};
    u32 tb[2] = {toTf32(b[member * 8 + group]), toTf32(b[(member + 4) * 8 + group])};
    float d2[4] = {};
    mmaTf32(d2, ta, tb);
    for (int i = 0; i < 4; i++) {
        int at = (group + i / 2 * 8) * 8 + member * 2 + i % 2;
        c[at] = d[i];
        c2[at] = d2[i];
    }
}

KERNEL add_one(float* x, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) x[i] += 1.0f;
}

// ---- wrong

KERNEL off_by_one(float* y, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i <= count) y[i] = 1.0f;
}

KERNEL reads_before(float* y, const float* x) { y[threadIdx.x] = x[(int)threadIdx.x - 1]; }

KERNEL misaligned(float* y, const float* x) { store4(y, load4(x + 1)); }

KERNEL missing_barrier(float* y) {
    __shared__ float s[64];
    s[threadIdx.x] = (float)threadIdx.x;
    y[threadIdx.x] = s[63 - threadIdx.x];
}

// A barrier is missing between the reads of one round and the writes of the next.
KERNEL missing_second_barrier(float* y) {
    __shared__ float s[64];
    for (int round = 0; round < 2; round++) {
        s[threadIdx.x] = (float)round;
        __syncthreads();
        y[threadIdx.x] = s[(threadIdx.x + 1) % 64];
    }
}

KERNEL missing_warp_barrier(float* y) {
    __shared__ float s[32];
    s[threadIdx.x] = 1.0f;
    y[threadIdx.x] = s[31 - threadIdx.x];
}

KERNEL leaves_before_barrier(float* y, int count) {
    if ((int)threadIdx.x >= count) return;
    __syncthreads();
    y[threadIdx.x] = 1.0f;
}

KERNEL two_barriers(float* y) {
    if (threadIdx.x < 32) {
        __syncthreads();
        y[threadIdx.x] = 1.0f;
    } else {
        y[threadIdx.x] = 2.0f;
        __syncthreads();
    }
}

KERNEL leaves_before_shuffle(float* y) {
    if (threadIdx.x == 5) return;
    y[threadIdx.x] = __shfl_xor_sync(AllLanes, 1.0f, 1);
}

KERNEL missing_wait(float* y, const float* x) {
    __shared__ __align__(16) float s[4];
    if (threadIdx.x == 0) {
        copyAsync16(s, x);
        commitCopies();
    }
    __syncthreads();
    y[threadIdx.x] = s[threadIdx.x % 4];
}

KERNEL beyond_shared(float* y) {
    extern __shared__ float s[];
    s[threadIdx.x] = 1.0f;
    y[threadIdx.x] = s[threadIdx.x];
}

KERNEL unwritten_shared(float* y) {
    __shared__ float s[32];
    y[threadIdx.x] = s[threadIdx.x];
}

KERNEL blocks_collide(float* y) { y[threadIdx.x] = (float)blockIdx.x; }

KERNEL local_index(float* y, int index) {
    float local[4] = {1.0f, 2.0f, 3.0f, 4.0f};
    y[0] = local[index];
}
