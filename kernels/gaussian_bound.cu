// GaussianBound: a term of the variational bound for each sample in bits per dimension, perSample[n] = mean of the term / ln 2, loss = mean of
// weights·perSample. [N, …]; range and weights may be null. Double precision throughout: the terms are small differences.
#include "reduce.cuh"
#include "samples.cuh"

// The columns of a row, as BoundColumn names them.
constexpr int P = 0, Q = 1, Clip = 2, X0Coefficient = 3, LowLogVariance = 4, HighLogVariance = 5, PosteriorLogVariance = 6, Term = 7, Columns = 8;
constexpr int Divergence = 0, TanhDecoder = 2;

constexpr double NatsPerBit = 0.69314718055994530942, SquareRootOfHalf = 0.70710678118654752440, DensityAtZero = 0.39894228040143267794;

// Half the distance between two bytes' values, and beyond which values the outermost bytes lie, whose borders are open: 10³⁰⁰ deviations away.
constexpr double HalfByte = 1.0 / 255.0, Outermost = 0.999, Open = 1e300;

// ln(Φ(upper) − Φ(lower)), and φ at both ends divided by that probability.
struct Interval {
    double log, atLower, atUpper;
};

__device__ double density(double z) { return DensityAtZero * exp(-0.5 * z * z); }

// lower + upper ≥ 0
__device__ Interval upperInterval(double lower, double upper) {
    if (lower <= 0.0) {
        double probability = 0.5 * (erf(upper * SquareRootOfHalf) + erf(-lower * SquareRootOfHalf));
        return {log(probability), density(lower) / probability, density(upper) / probability};
    }
    // Both in the upper tail: φ(lower) is taken out, or all would vanish.
    double fall = upper == Open ? 0.0 : exp(0.5 * (lower - upper) * (lower + upper));
    double scaled = 0.5 * (erfcx(lower * SquareRootOfHalf) - (fall == 0.0 ? 0.0 : fall * erfcx(upper * SquareRootOfHalf)));
    return {log(scaled) - 0.5 * lower * lower, DensityAtZero / scaled, fall * DensityAtZero / scaled};
}

__device__ double inner(double z) { return 0.79788456080286535588 * (z + 0.044715 * z * z * z); }

__device__ double tanhDensity(double z) {
    double t = tanh(inner(z));
    return t * t == 1.0 ? 0.0 : 0.5 * (1.0 - t * t) * 0.79788456080286535588 * (1.0 + 3.0 * 0.044715 * z * z);
}

__device__ Interval tanhInterval(double lower, double upper) {
    double probability = 0.5 * (tanh(inner(upper)) - tanh(inner(lower)));
    if (probability < 1e-12) return {log(1e-12), 0.0, 0.0};
    return {log(probability), tanhDensity(lower) / probability, tanhDensity(upper) / probability};
}

__device__ Interval interval(double lower, double upper, bool byTanh) {
    if (byTanh) return tanhInterval(lower, upper);
    if (lower + upper >= 0.0) return upperInterval(lower, upper);
    Interval mirrored = upperInterval(-upper, -lower);
    return {mirrored.log, mirrored.atUpper, mirrored.atLower};
}

// An element's term in nats, and its derivatives.
struct Bound {
    double nats, byPrediction, byRange;
};

__device__ Bound bound(const float* row, float prediction, float range, float xt, float target) {
    double free = (double)row[P] * xt + (double)row[Q] * prediction, truth = (double)row[P] * xt + (double)row[Q] * target;
    double clip = row[Clip], estimate = free < -clip ? -clip : free > clip ? clip : free;
    double low = row[LowLogVariance], high = row[HighLogVariance];
    double logVariance = high * (0.5 * (1.0 + range)) + low * (0.5 * (1.0 - range));
    double nats, byEstimate, byLogVariance;
    if (row[Term] == Divergence) {
        double ratio = row[PosteriorLogVariance] - logVariance, scale = row[X0Coefficient], distance = scale * (estimate - truth);
        double precision = exp(-logVariance), e = exp(ratio), squares = distance * distance * precision;
        nats = 0.5 * (e - 1.0 - ratio + squares);
        byEstimate = scale * distance * precision;
        byLogVariance = 0.5 * (1.0 - e - squares);
    } else {
        double precision = exp(-0.5 * logVariance), centre = truth - estimate;
        double lower = truth < -Outermost ? -Open : (centre - HalfByte) * precision, upper = truth > Outermost ? Open : (centre + HalfByte) * precision;
        Interval i = interval(lower, upper, row[Term] == TanhDecoder);
        nats = -i.log;
        byEstimate = precision * (i.atUpper - i.atLower);
        byLogVariance = 0.5 * ((upper == Open ? 0.0 : upper * i.atUpper) - (lower == -Open ? 0.0 : lower * i.atLower));
    }
    return {nats, free < -clip || free > clip ? 0.0 : row[Q] * byEstimate, 0.5 * (high - low) * byLogVariance};
}

// One block of 256 threads per sample; 12 or 16 bytes per element.
KERNEL __launch_bounds__(256) gaussian_bound_per_sample(
    float* perSample, const float* prediction, const float* range, const float* xt, const float* target, const float* rows, long long count) {
    const float* row = rows + Columns * blockIdx.x;
    double sum = 0;
    for (long long i = threadIdx.x; i < count; i += blockDim.x) {
        long long at = blockIdx.x * count + i;
        sum += bound(row, prediction[at], range ? range[at] : 1.0f, xt[at], target[at]).nats;
    }
    sum = blockSum(sum);
    if (threadIdx.x == 0) perSample[blockIdx.x] = (float)(sum / (double)count / NatsPerBit);
}

// One block of 256 threads.
KERNEL gaussian_bound_loss(float* loss, const float* perSample, const float* weights, int samples) {
    double sum = 0;
    for (int n = threadIdx.x; n < samples; n += blockDim.x) sum += weights ? (double)weights[n] * perSample[n] : (double)perSample[n];
    sum = blockSum(sum);
    if (threadIdx.x == 0) loss[0] = (float)(sum / samples);
}

// Four elements of one sample per thread, blocks of 256.
KERNEL __launch_bounds__(256) gaussian_bound_backward(
    float* dprediction, float* drange, const float* dloss, const float* prediction, const float* range, const float* xt, const float* target, const float* rows,
    const float* weights, int accumulatePrediction, int accumulateRange, int samples, long long perSample) {
    forEachQuad(samples, perSample, false, [&](Quad q) {
        const float* row = rows + Columns * q.sample;
        double scale = dloss[0] * (weights ? (double)weights[q.sample] : 1.0) / (NatsPerBit * (double)(samples * perSample));
        for (long long i = q.at; i < q.at + q.count; i++) {
            Bound b = bound(row, prediction[i], range ? range[i] : 1.0f, xt[i], target[i]);
            if (dprediction) dprediction[i] = (float)(scale * b.byPrediction + (accumulatePrediction ? dprediction[i] : 0.0f));
            if (drange) drange[i] = (float)(scale * b.byRange + (accumulateRange ? drange[i] : 0.0f));
        }
    });
}
