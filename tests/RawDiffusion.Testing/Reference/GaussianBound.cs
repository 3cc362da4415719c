using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    private const double HalfByte = 1.0 / 255, Outermost = 0.999;

    /// <inheritdoc/>
    protected override void GaussianBoundCore(
        Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows, Tensor? weights, Tensor perSample, Tensor loss)
    {
        var factors = RealsOrNone(weights);
        var bits = Reals(perSample);
        int samples = prediction.Shape.N, elements = (int)prediction.Shape.Count / samples;
        double sum = 0;
        for (int n = 0; n < samples; n++)
        {
            double nats = 0;
            for (int i = n * elements; i < (n + 1) * elements; i++)
            {
                nats += BoundAt(i, n, prediction, range, xt, target, rows).Nats;
            }
            bits[n] = nats / elements / Math.Log(2);
            sum += (weights is null ? 1 : factors[n]) * bits[n];
        }
        Reals(loss)[0] = sum / samples;
    }

    /// <inheritdoc/>
    protected override void GaussianBoundBackwardCore(
        Tensor dloss, Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows, Tensor? weights, Sink dprediction, Sink drange)
    {
        var factors = RealsOrNone(weights);
        var toPrediction = Start(dprediction);
        var toRange = Start(drange);
        int count = (int)prediction.Shape.Count, elements = count / prediction.Shape.N;
        for (int i = 0; i < count; i++)
        {
            int n = i / elements;
            var (_, byPrediction, byRange) = BoundAt(i, n, prediction, range, xt, target, rows);
            double scale = Reals(dloss)[0] * (weights is null ? 1 : factors[n]) / Math.Log(2) / count;
            AddTo(toPrediction, i, scale * byPrediction);
            AddTo(toRange, i, scale * byRange);
        }
    }

    /// <summary>An element's term and its derivatives: the divergence of two normal distributions, or the integral of one over the byte's interval.</summary>
    private (double Nats, double ByPrediction, double ByRange) BoundAt(int i, int n, Tensor prediction, Tensor? range, Tensor xt, Tensor target, Tensor rows)
    {
        var table = Reals(rows);
        double Row(BoundColumn column) => Reals(rows)[n * BoundColumns + (int)column];
        double p = Row(BoundColumn.P), q = Row(BoundColumn.Q), clip = Row(BoundColumn.Clip), a = Row(BoundColumn.X0Coefficient);
        double low = Row(BoundColumn.LowLogVariance), high = Row(BoundColumn.HighLogVariance), posterior = Row(BoundColumn.PosteriorLogVariance);
        double free = p * Reals(xt)[i] + q * Reals(prediction)[i], x0 = p * Reals(xt)[i] + q * Reals(target)[i];
        double estimate = Math.Clamp(free, -clip, clip), fraction = range is null ? 1 : (Reals(range)[i] + 1) / 2;
        double logVariance = fraction * high + (1 - fraction) * low, deviation = Math.Exp(logVariance / 2);
        double byEstimate, byLogVariance, nats;
        var term = (BoundTerm)table[n * BoundColumns + (int)BoundColumn.Term];
        if (term == BoundTerm.Divergence)
        {
            double squares = Math.Pow(a * (x0 - estimate) / deviation, 2);
            nats = 0.5 * (logVariance - posterior + Math.Exp(posterior - logVariance) + squares - 1);
            byEstimate = a * a * (estimate - x0) / (deviation * deviation);
            byLogVariance = 0.5 * (1 - Math.Exp(posterior - logVariance) - squares);
        }
        else
        {
            double lower = x0 < -Outermost ? double.NegativeInfinity : (x0 - HalfByte - estimate) / deviation;
            double upper = x0 > Outermost ? double.PositiveInfinity : (x0 + HalfByte - estimate) / deviation;
            var (log, atLower, atUpper) = term == BoundTerm.Decoder ? Probability(lower, upper) : TanhProbability(lower, upper);
            nats = -log;
            byEstimate = (atUpper - atLower) / deviation;
            byLogVariance = 0.5 * ((double.IsInfinity(upper) ? 0 : upper * atUpper) - (double.IsInfinity(lower) ? 0 : lower * atLower));
        }
        return (nats, Math.Abs(free) > clip ? 0 : q * byEstimate, byLogVariance * (high - low) / 2);
    }

    /// <summary>ln ∫φ and φ/∫φ at both ends, by Simpson's rule over φ(z)/φ(m), m being the point of the interval where the density is greatest.</summary>
    private static (double Log, double AtLower, double AtUpper) Probability(double lower, double upper)
    {
        const int pieces = 4000;
        double m = Math.Clamp(0, lower, upper), integral = 0;
        // Beyond 40 natural orders of magnitude there is nothing to add.
        double reach = Math.Min(9, 40 / Math.Max(Math.Abs(m), 1e-9)), from = Math.Max(lower, m - reach), to = Math.Min(upper, m + reach), step = (to - from) / pieces;
        for (int k = 0; k <= pieces; k++)
        {
            double z = from + k * step;
            integral += (k == 0 || k == pieces ? 1 : k % 2 == 0 ? 2 : 4) * Math.Exp((m - z) * (m + z) / 2);
        }
        integral *= step / 3;
        double At(double z) => double.IsInfinity(z) ? 0 : Math.Exp((m - z) * (m + z) / 2) / integral;
        return (Math.Log(integral) - m * m / 2 - 0.5 * Math.Log(2 * Math.PI), At(lower), At(upper));
    }

    private static (double Log, double AtLower, double AtUpper) TanhProbability(double lower, double upper)
    {
        static double Inner(double z) => Math.Sqrt(2 / Math.PI) * (z + 0.044715 * Math.Pow(z, 3));
        static double Cumulative(double z) => 0.5 * (1 + Math.Tanh(Inner(z)));
        static double Density(double z) => double.IsInfinity(z) ? 0
            : 0.5 / Math.Pow(Math.Cosh(Inner(z)), 2) * Math.Sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * z * z);
        double probability = Cumulative(upper) - Cumulative(lower);
        return probability < 1e-12 ? (Math.Log(1e-12), 0, 0) : (Math.Log(probability), Density(lower) / probability, Density(upper) / probability);
    }
}
