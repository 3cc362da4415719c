using System.Runtime.Intrinsics;
using RawDiffusion.Core;
using RawDiffusion.Cpu;

namespace RawDiffusion.UnitTests.Cpu;

/// <summary>The vector functions against double precision, and what group norm makes of large means.</summary>
public class CpuDeviceMathTests
{
    [Fact]
    public void ExpIsWithinTwoUlp()
    {
        double worst = 0;
        for (long bits = 0; bits <= 0x42D00000; bits += 997)
        {
            float magnitude = BitConverter.Int32BitsToSingle((int)bits);
            foreach (float x in (ReadOnlySpan<float>)[magnitude, -magnitude])
            {
                if (x < 88.72f)
                {
                    double exact = Math.Exp(x), ulp = Math.Max(Math.ScaleB(1, Math.ILogB(exact) - 23), float.Epsilon);
                    worst = Math.Max(worst, Math.Abs(Exp(x) - exact) / ulp);
                }
            }
        }
        Assert.InRange(worst, 0, 2);
    }

    [Fact]
    public void ExpKnowsItsLimits()
    {
        Assert.Equal(1f, Exp(0f));
        Assert.Equal(1f, Exp(-0f));
        Assert.Equal(0f, Exp(-104.5f));
        Assert.Equal(0f, Exp(float.NegativeInfinity));
        Assert.Equal(float.PositiveInfinity, Exp(88.73f));
        Assert.Equal(float.PositiveInfinity, Exp(float.PositiveInfinity));
        Assert.True(float.IsNaN(Exp(float.NaN)));
    }

    [Fact]
    public void SiluAndItsDerivativeAreExactToAFewUlp()
    {
        for (float x = -60; x < 60; x += 0.0137f)
        {
            double sigmoid = 1 / (1 + Math.Exp(-(double)x)), silu = x * sigmoid, derivative = sigmoid * (1 + x * (1 - sigmoid));
            Assert.Equal(silu, VectorMath.Silu(Vector512.Create(x))[3], 4e-7 * Math.Abs(silu));
            Assert.Equal(derivative, VectorMath.SiluDerivative(Vector512.Create(x))[3], 5e-7);
        }
    }

    [Fact]
    public void SiluOfExtremes()
    {
        Assert.Equal(1e30f, Silu(1e30f));
        Assert.Equal(0, Silu(-1e6f), 1e-30f);
        Assert.True(float.IsNaN(Silu(float.NaN)));

        static float Silu(float x) => VectorMath.Silu(Vector512.Create(x))[0];
    }

    [Theory]
    [InlineData(1, 4)]
    [InlineData(49, 31)]
    [InlineData(784, 8)]
    public void GroupNormKeepsItsPrecisionBesideALargeMean(int positions, int channels)
    {
        using var device = new CpuDevice(2);
        var random = new Random(5);
        float[] values = new float[2 * positions * channels];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = 1000 + random.NextSingle();
        }
        using var x = new Tensor(device, new Shape(2, positions, channels)).Upload(values);
        using var gamma = new Tensor(device, new Shape(channels)).Upload(Enumerable.Repeat(1f, channels).ToArray());
        using var beta = new Tensor(device, new Shape(channels)).Clear();
        using Tensor y = new(device, x.Shape), mean = new(device, new Shape(2, 1)), rstd = new(device, new Shape(2, 1));
        device.GroupNorm(x, gamma, beta, null, y, mean, rstd, 1, 1e-6, false);

        double[] first = values.AsSpan(0, positions * channels).ToArray().Select(v => (double)v).ToArray();
        double m = first.Average(), variance = first.Average(v => (v - m) * (v - m)), r = 1 / Math.Sqrt(variance + 1e-6);
        Assert.Equal(m, mean.ToArray()[0], 1e-4);
        Assert.Equal(r, rstd.ToArray()[0], 1e-5 * r);
        Assert.All(first.Zip(y.ToArray()), pair => Assert.Equal((pair.First - m) * r, pair.Second, 1e-5));
    }

    private static float Exp(float x)
    {
        var lanes = VectorMath.Exp(Vector512.Create(x));
        Assert.Equal(BitConverter.SingleToInt32Bits(lanes[0]), BitConverter.SingleToInt32Bits(lanes[15]));
        return lanes[0];
    }
}
