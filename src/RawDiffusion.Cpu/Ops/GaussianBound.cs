using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void GaussianBoundCore(
        Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows, Tensor? weights, Tensor perSample, Tensor loss)
    {
        int samples = prediction.Shape.N;
        long count = prediction.Shape.Count / samples;
        float* o = Floats(prediction), r = FloatsOrNull(range), x = Floats(xt), y = Floats(target), table = Floats(rows), weight = FloatsOrNull(weights), bits = Floats(perSample);
        double* means = (double*)_workers.SharedScratch(SampleMeansBytes(samples));
        _workers.Run(samples, (n, _) =>
        {
            var term = new BoundOfSample(table + n * BoundColumns);
            double sum = 0;
            for (long i = n * count; i < (n + 1) * count; i++)
            {
                sum += term.Nats(o[i], r == null ? 1 : r[i], x[i], y[i]);
            }
            means[n] = sum / count / BoundOfSample.NatsPerBit;
        });
        double total = 0;
        for (int n = 0; n < samples; n++)
        {
            bits[n] = (float)means[n];
            total += weight == null ? means[n] : weight[n] * means[n];
        }
        *Floats(loss) = (float)(total / samples);
    }

    /// <inheritdoc/>
    protected override void GaussianBoundBackwardCore(
        Tensor dloss, Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows, Tensor? weights, Sink dprediction, Sink drange)
    {
        int samples = prediction.Shape.N;
        long count = prediction.Shape.Count / samples;
        float* o = Floats(prediction), r = FloatsOrNull(range), x = Floats(xt), y = Floats(target), table = Floats(rows), weight = FloatsOrNull(weights);
        float* toPrediction = FloatsOrNull(dprediction.Tensor), toRange = FloatsOrNull(drange.Tensor);
        double factor = *Floats(dloss) / (BoundOfSample.NatsPerBit * prediction.Shape.Count);
        _workers.Run(samples, (n, _) =>
        {
            var term = new BoundOfSample(table + n * BoundColumns);
            double scale = weight == null ? factor : weight[n] * factor;
            for (long i = n * count; i < (n + 1) * count; i++)
            {
                var (byPrediction, byRange) = term.Gradient(o[i], r == null ? 1 : r[i], x[i], y[i]);
                if (toPrediction != null)
                {
                    toPrediction[i] = (float)(scale * byPrediction + (dprediction.Accumulate ? toPrediction[i] : 0));
                }
                if (toRange != null)
                {
                    toRange[i] = (float)(scale * byRange + (drange.Accumulate ? toRange[i] : 0));
                }
            }
        });
    }

    /// <summary>A sample's term of the bound, element by element, in double precision: its differences are small beside what they are differences of.</summary>
    private readonly struct BoundOfSample(float* row)
    {
        public const double NatsPerBit = 0.69314718055994530942;

        // Half the distance between two bytes' values, and beyond which values the outermost two bytes lie, whose borders are open.
        private const double HalfByte = 1 / 255.0, Outermost = 0.999;

        private readonly double _p = row[(int)BoundColumn.P], _q = row[(int)BoundColumn.Q], _clip = row[(int)BoundColumn.Clip];
        private readonly double _scale = row[(int)BoundColumn.X0Coefficient], _posterior = row[(int)BoundColumn.PosteriorLogVariance];
        private readonly double _low = row[(int)BoundColumn.LowLogVariance], _high = row[(int)BoundColumn.HighLogVariance];
        private readonly BoundTerm _term = (BoundTerm)row[(int)BoundColumn.Term];

        public double Nats(double prediction, double range, double xt, double target)
        {
            double truth = _p * xt + _q * target, estimate = Math.Max(-_clip, Math.Min(_clip, _p * xt + _q * prediction)), logVariance = LogVariance(range);
            if (_term != BoundTerm.Divergence)
            {
                return -Interval(truth, estimate, logVariance, out _, out _).LogProbability;
            }
            double ratio = _posterior - logVariance, distance = _scale * (truth - estimate);
            return 0.5 * (Math.Exp(ratio) - 1 - ratio + distance * distance * Math.Exp(-logVariance));
        }

        public (double ByPrediction, double ByRange) Gradient(double prediction, double range, double xt, double target)
        {
            double free = _p * xt + _q * prediction, estimate = Math.Max(-_clip, Math.Min(_clip, free)), truth = _p * xt + _q * target, logVariance = LogVariance(range);
            double byEstimate, byLogVariance;
            if (_term != BoundTerm.Divergence)
            {
                var interval = Interval(truth, estimate, logVariance, out double lower, out double upper);
                byEstimate = Math.Exp(-0.5 * logVariance) * (interval.AtUpper - interval.AtLower);
                byLogVariance = 0.5 * ((double.IsInfinity(upper) ? 0 : upper * interval.AtUpper) - (double.IsInfinity(lower) ? 0 : lower * interval.AtLower));
            }
            else
            {
                double precision = Math.Exp(-logVariance), distance = _scale * (estimate - truth);
                byEstimate = _scale * distance * precision;
                byLogVariance = 0.5 * (1 - Math.Exp(_posterior - logVariance) - distance * distance * precision);
            }
            return (Math.Abs(free) > _clip ? 0 : _q * byEstimate, 0.5 * (_high - _low) * byLogVariance);
        }

        private double LogVariance(double range) => _high * (0.5 * (1 + range)) + _low * (0.5 * (1 - range));

        private NormalInterval Interval(double truth, double estimate, double logVariance, out double lower, out double upper)
        {
            double precision = Math.Exp(-0.5 * logVariance), centre = truth - estimate;
            lower = truth < -Outermost ? double.NegativeInfinity : (centre - HalfByte) * precision;
            upper = truth > Outermost ? double.PositiveInfinity : (centre + HalfByte) * precision;
            return _term == BoundTerm.TanhDecoder ? NormalInterval.ByTanh(lower, upper) : NormalInterval.Between(lower, upper);
        }
    }
}
