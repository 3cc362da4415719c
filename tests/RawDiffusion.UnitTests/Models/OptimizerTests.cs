using RawDiffusion.Core;
using RawDiffusion.Models;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests.Models;

public sealed class OptimizerTests
{
    [Fact]
    public void AdamFollowsItsFormulaWithClippingAndEma()
    {
        using var device = new ReferenceDevice();
        var weight = new Parameter("w", new Shape(2), Initialization.Ones);
        using var set = new ParameterSet([weight], device, training: true);
        set.Initialize(0);
        using var adam = new Adam(set, new AdamOptions { MaxNorm = 1 });
        double[] p = [1, 1], m = [0, 0], v = [0, 0], ema = [1, 1];
        for (int t = 1; t <= 3; t++)
        {
            double[] g = [3.0 * t, -4.0 * t];
            weight.Value.BoundGradient!.Upload(g);
            double norm = adam.Update(0.1, 0.9);
            Assert.Equal(5.0 * t, norm, 1e-12);
            for (int i = 0; i < 2; i++)
            {
                double clipped = g[i] / (norm + 1e-6);
                m[i] = 0.9 * m[i] + 0.1 * clipped;
                v[i] = 0.999 * v[i] + 0.001 * clipped * clipped;
                p[i] -= 0.1 * (m[i] / (1 - Math.Pow(0.9, t))) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.999, t))) + 1e-8);
                ema[i] = 0.9 * ema[i] + 0.1 * p[i];
            }
            Assert.Equal(p, weight.Value.ToArray<double>().Select(x => Math.Round(x, 12)).Zip(p, (a, b) => Math.Abs(a - b) < 1e-11 ? b : a));
            Assert.Equal(ema[0], set.Slice(set.Ema!, "w").ToArray<double>()[0], 1e-11);
        }
    }

    [Fact]
    public void ANonFiniteGradientChangesNothing()
    {
        using var device = new ReferenceDevice();
        var weight = new Parameter("w", new Shape(3), Initialization.Ones);
        using var set = new ParameterSet([weight], device, training: true);
        set.Initialize(0);
        using var adam = new Adam(set, new AdamOptions());
        weight.Value.BoundGradient!.Upload([1, double.NaN, 2]);
        Assert.True(double.IsNaN(adam.Update(0.1, 0.5)));
        Assert.Equal(0, adam.Step);
        Assert.Equal([1.0, 1, 1], weight.Value.ToArray<double>());
        Assert.Equal([1.0, 1, 1], set.Slice(set.Ema!, "w").ToArray<double>());
        Assert.All(set.FirstMoment!.ToArray<double>(), x => Assert.Equal(0, x));
    }

    [Fact]
    public void AParameterThatNoBackwardReachedGetsAZeroGradient()
    {
        using var device = new ReferenceDevice { PoisonNewTensors = true };
        var used = new Parameter("used", new Shape(1), Initialization.Ones);
        var unused = new Parameter("unused", new Shape(1), Initialization.Ones);
        using var set = new ParameterSet([used, unused], device, training: true);
        set.Initialize(0);
        using var adam = new Adam(set, new AdamOptions());
        unused.Value.BoundGradient!.Sum.Upload([100.0]); // left from a step before
        used.Value.BoundGradient!.Upload([0.5]);
        Assert.Equal(0.5, adam.Update(0.1, 0));
        Assert.Equal(1, unused.Value.ToArray<double>()[0]);
    }

    [Fact]
    public void EmaWarmUpForgetsTheStart()
    {
        var warm = new EmaDecay(0.999, WarmUp: true);
        Assert.Equal(2.0 / 11, warm.At(1), 1e-15);
        Assert.Equal(0.999, warm.At(100_000));
        Assert.True(warm.ShareOfStart(100) < 1e-6);
        Assert.Equal(Math.Pow(0.999, 100), new EmaDecay(0.999, false).ShareOfStart(100), 1e-12);
    }
}
