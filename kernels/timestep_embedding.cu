// TimestepEmbedding: y[n] = [sin tω | cos tω] with ω_i = e^(−i·step), or the other way round. One frequency of one sample per thread, blocks
// of 256. Frequency and angle are in double precision, of which the nearest whole number of turns is taken away: float32 then holds the rest
// as exactly as a small angle, where float32 from the start would leave four decimals. A batch has a few thousand numbers.
#include "common.cuh"

KERNEL timestep_embedding(float* y, const float* timesteps, int samples, int half, double step, int flipSinToCos) {
    int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (i >= samples * half) return;
    int n = i / half, column = i % half;
    double turns = timesteps[n] * exp(-step * column) * (0.5 / 3.14159265358979323846);
    float sine, cosine;
    sincospif((float)(2 * (turns - rint(turns))), &sine, &cosine);
    float* row = y + 2ll * n * half;
    row[column + (flipSinToCos ? half : 0)] = sine;
    row[column + (flipSinToCos ? 0 : half)] = cosine;
}
