using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void GroupNormCore(Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y, Tensor mean, Tensor rstd, int groups, double eps, bool silu)
    {
        var xs = Reals(x);
        var gammas = Reals(gamma);
        var betas = Reals(beta);
        var adds = RealsOrNone(scaleShift);
        var ys = Reals(y);
        var means = Reals(mean);
        var rstds = Reals(rstd);
        int positions = x.Shape.Positions, channels = x.Shape.C, width = channels / groups;
        for (int n = 0; n < x.Shape.N; n++)
        {
            for (int group = 0; group < groups; group++)
            {
                double sum = 0, squares = 0, count = (double)positions * width;
                for (int i = 0; i < positions * width; i++)
                {
                    sum += xs[Index(i)];
                }
                for (int i = 0; i < positions * width; i++)
                {
                    squares += Math.Pow(xs[Index(i)] - sum / count, 2);
                }
                means[n * groups + group] = sum / count;
                rstds[n * groups + group] = 1 / Math.Sqrt(squares / count + eps);

                int Index(int i) => (n * positions + i / width) * channels + group * width + i % width;
            }
        }
        for (int i = 0; i < xs.Length; i++)
        {
            int n = i / (positions * channels), c = i % channels, group = n * groups + c / width;
            double h = (xs[i] - means[group]) * rstds[group] * gammas[c] + betas[c];
            if (scaleShift is not null)
            {
                h = h * (1 + adds[n * 2 * channels + c]) + adds[n * 2 * channels + channels + c];
            }
            ys[i] = silu ? h * Sigmoid(h) : h;
        }
    }

    /// <inheritdoc/>
    protected override void GroupNormBackwardCore(
        Tensor dy, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor mean, Tensor rstd, Sink dx, Sink dgamma, Sink dbeta,
        Sink dScaleShift, int groups, bool silu)
    {
        var dys = Reals(dy);
        var xs = Reals(x);
        var gammas = Reals(gamma);
        var betas = Reals(beta);
        var adds = RealsOrNone(scaleShift);
        var means = Reals(mean);
        var rstds = Reals(rstd);
        int samples = x.Shape.N, positions = x.Shape.Positions, channels = x.Shape.C, width = channels / groups;
        double[] normalized = new double[xs.Length];
        double[] dNormalized = new double[xs.Length];
        var dGammas = Start(dgamma);
        var dBetas = Start(dbeta);
        var dAdds = Start(dScaleShift);
        for (int i = 0; i < xs.Length; i++)
        {
            int n = i / (positions * channels), c = i % channels, group = n * groups + c / width;
            int scaleAt = n * 2 * channels + c, shiftAt = scaleAt + channels;
            double scale = scaleShift is null ? 1 : 1 + adds[scaleAt], shift = scaleShift is null ? 0 : adds[shiftAt];
            normalized[i] = (xs[i] - means[group]) * rstds[group];
            double affine = normalized[i] * gammas[c] + betas[c];
            double h = affine * scale + shift;
            double dh = silu ? dys[i] * Sigmoid(h) * (1 + h * (1 - Sigmoid(h))) : dys[i];
            AddTo(dAdds, scaleAt, dh * affine);
            AddTo(dAdds, shiftAt, dh);
            AddTo(dGammas, c, dh * scale * normalized[i]);
            AddTo(dBetas, c, dh * scale);
            dNormalized[i] = dh * scale * gammas[c];
        }
        // dx = rstd·(dx̂ − mean(dx̂) − x̂·mean(dx̂·x̂)), the means over the group.
        double[] sums = new double[samples * groups], products = new double[samples * groups];
        for (int i = 0; i < xs.Length; i++)
        {
            int group = i / (positions * channels) * groups + i % channels / width;
            sums[group] += dNormalized[i];
            products[group] += dNormalized[i] * normalized[i];
        }
        double count = (double)positions * width;
        var dxs = Start(dx);
        for (int i = 0; i < xs.Length; i++)
        {
            int group = i / (positions * channels) * groups + i % channels / width;
            double d = rstds[group] * (dNormalized[i] - sums[group] / count - normalized[i] * products[group] / count);
            AddTo(dxs, i, d);
        }
    }
}
