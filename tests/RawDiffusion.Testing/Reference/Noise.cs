using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void FillNormalCore(Tensor y, in RandomStream stream)
    {
        var ys = Reals(y);
        for (int i = 0; i < ys.Length; i++)
        {
            ys[i] = NormalAt(stream, i, ys.Length / y.Shape.N);
        }
    }

    /// <inheritdoc/>
    protected override void AddNoiseCore(Tensor x0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target)
    {
        var x0s = Reals(x0);
        var factors = Reals(coefficients);
        var given = RealsOrNone(noise);
        var xts = Reals(xt);
        var targets = Reals(target);
        int perSample = x0s.Length / x0.Shape.N;
        for (int i = 0; i < x0s.Length; i++)
        {
            var abcd = factors.Slice(i / perSample * 4, 4);
            double epsilon = noise is null ? NormalAt(stream, i, perSample) : given[i];
            xts[i] = abcd[0] * x0s[i] + abcd[1] * epsilon;
            targets[i] = abcd[2] * x0s[i] + abcd[3] * epsilon;
        }
    }

    /// <inheritdoc/>
    protected override void AddNoiseToPixelsCore(
        Tensor pixels, Tensor picks, int left, int width, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor xt, Tensor target)
    {
        var bytes = Elements<byte>(pixels, DType.UInt8);
        var picked = Elements<int>(picks, DType.Int32);
        using var x0 = new Tensor(this, xt.Shape);
        var x0s = Reals(x0);
        for (int n = 0, i = 0; n < xt.Shape.N; n++)
        {
            for (int y = 0; y < xt.Shape[1]; y++)
            {
                for (int x = 0; x < xt.Shape[2]; x++)
                {
                    bool mirrored = picked[2 * n + 1] != 0 && x >= left && x < left + width;
                    int from = mirrored ? left + (width - 1) - (x - left) : x;
                    for (int c = 0; c < xt.Shape.C; c++, i++)
                    {
                        x0s[i] = bytes[((picked[2 * n] * xt.Shape[1] + y) * xt.Shape[2] + from) * xt.Shape.C + c] / 127.5 - 1;
                    }
                }
            }
        }
        AddNoiseCore(x0, coefficients, noise, stream, xt, target);
    }

    /// <inheritdoc/>
    protected override void DenoiseUpdateCore(Tensor x, Tensor output, Tensor? previousX0, Tensor coefficients, Tensor? noise, in RandomStream stream, Tensor? x0, Tensor next)
    {
        var xs = Reals(x);
        var outputs = Reals(output);
        var previous = RealsOrNone(previousX0);
        var given = RealsOrNone(noise);
        var x0s = RealsOrNone(x0);
        var nexts = Reals(next);
        double p = Coefficient(DenoiseCoefficient.P), q = Coefficient(DenoiseCoefficient.Q), clip = Coefficient(DenoiseCoefficient.Clip);
        double u = Coefficient(DenoiseCoefficient.U), v = Coefficient(DenoiseCoefficient.V), w = Coefficient(DenoiseCoefficient.W), s = Coefficient(DenoiseCoefficient.S);
        for (int i = 0; i < xs.Length; i++)
        {
            double estimate = Math.Clamp(p * xs[i] + q * outputs[i], -clip, clip);
            double sum = u * xs[i] + v * estimate;
            if (previousX0 is not null)
            {
                sum += w * previous[i];
            }
            if (s != 0)
            {
                sum += s * (noise is null ? NormalAt(stream, i, xs.Length / x.Shape.N) : given[i]);
            }
            if (x0 is not null)
            {
                x0s[i] = estimate;
            }
            nexts[i] = sum;
        }

        double Coefficient(DenoiseCoefficient coefficient) => Reals(coefficients)[(int)coefficient];
    }

    private static double NormalAt(in RandomStream stream, int i, int perSample)
    {
        int e = i % perSample;
        var block = Block(stream, i / perSample, e / 4);
        var (first, second) = e % 4 < 2 ? BoxMuller.Pair(block.X, block.Y) : BoxMuller.Pair(block.Z, block.W);
        return e % 2 == 0 ? first : second;
    }
}
