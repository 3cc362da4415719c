// Embedding: y[n] = table[labels[n]], [N, C]. Small: a few rows of some hundred channels.
#include "common.cuh"

// One element per thread, blocks of 256. 8 bytes per element.
KERNEL embedding(float* y, const float* table, const int* labels, int channels, long long count) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) y[i] = table[(long long)labels[i / channels] * channels + i % channels];
}

// One block of 256 threads per row of the table, which finds its labels in their order: the same sum every time, without atomics. 4 bytes
// per element of dy and of dtable (8 when accumulating), and the labels for each row.
KERNEL embedding_backward(float* dtable, const float* dy, const int* labels, int samples, int channels, int accumulate) {
    float* row = dtable + (long long)blockIdx.x * channels;
    for (int c = threadIdx.x; c < channels; c += blockDim.x) {
        float sum = accumulate ? row[c] : 0;
        for (int n = 0; n < samples; n++) {
            if (labels[n] == (int)blockIdx.x) sum += dy[(long long)n * channels + c];
        }
        row[c] = sum;
    }
}
