using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Testing;
using static RawDiffusion.UnitTests.Diffusion.Numbers;

namespace RawDiffusion.UnitTests.Diffusion;

/// <summary>
/// Samplers over processes that explode variance, flow or preserve it, for data x_0 ~ N(0, .49), whose best x̂_0 is α·.49·x/(α²·.49+σ²): each
/// step multiplies x by a known factor, and the probability-flow ODE keeps x/√(α²·.49+σ²).
/// </summary>
public sealed class ProcessSamplerTests : IDisposable
{
    private const double DataVariance = 0.49;
    private readonly ReferenceDevice _device = new() { PoisonNewTensors = true };

    public void Dispose()
    {
        Assert.Equal(0, _device.Memory.LiveBlocks);
        _device.Dispose();
    }

    /// <summary>
    /// Twelve levels from σ = 20 to .01 with ρ = 7 (Karras et al. 2022, eq. 5), then the data: 20·Π [σ'/σ + (1−σ'/σ)·.49/(.49+σ²)] by Euler's method.
    /// </summary>
    [Fact]
    public void KarrasLevelsFromTwenty()
    {
        var process = new DiffusionProcess(Karras(12, 0.01, 20), Prediction.X0);
        int[] timesteps = [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
        AssertClose([20, 12.94864308, 8.14538341], timesteps[..3].Select(t => process.Schedule.Level(t).Sigma).ToArray(), 1e-8);
        AssertClose(0.58935464, Follow(process, new DdimSampler { Timesteps = timesteps, Clip = double.PositiveInfinity }, 20), 1e-7);
        AssertClose(0.74031119, Follow(process, new HeunSampler(timesteps), 20), 1e-7);
        AssertClose(0.69957164, 20 * Math.Sqrt(DataVariance / (DataVariance + 400)), 1e-7);
    }

    /// <summary>EDM's network hears c_noise = ¼·ln σ, which is no whole number, and c_in·x with c_in = 1/√(σ²+1) (Karras et al. 2022, table 1).</summary>
    [Fact]
    public void TheNetworkHearsRealTimestepsAndAScaledInput()
    {
        var process = new DiffusionProcess(Karras(12, 0.01, 20), Prediction.X0);
        Sampler euler = Samplers.Ddim(12) with { Clip = double.PositiveInfinity }, heun = new HeunSampler([.. Enumerable.Range(0, 12).Reverse()]);
        foreach (var (sampler, expected) in new[] { (euler, 0.58935464), (heun, 0.74031119) })
        {
            var table = new StepTable([.. sampler.Plan(process).Rows.Select(row =>
            {
                double sigma = process.Schedule.Level((int)row.Timestep).Sigma;
                return row with { Timestep = Math.Log(sigma) / 4, InputScale = 1 / Math.Sqrt(sigma * sigma + 1) };
            })]);
            using var start = new Tensor(_device, new Shape(2, 1)).Upload([20.0, -10.0]);
            using var result = SamplerRun.Run(sampler, table, Map((input, timestep) =>
            {
                double sigma = Math.Exp(4 * timestep);
                return DataVariance / (DataVariance + sigma * sigma) * input * Math.Sqrt(sigma * sigma + 1);
            }), start, seed: 1);
            AssertClose([expected, -expected / 2], result.ToArray<double>(), 1e-7);
        }
    }

    /// <summary>Flow matching, α = 1−s, σ = s, uniform s or shifted (Esser et al. 2024, eq. 23): Euler's method is DDIM.</summary>
    [Theory]
    [InlineData(4, 1, 0.49694832)]
    [InlineData(16, 1, 0.64384461)]
    [InlineData(4, 3, 0.36718249)]
    public void FlowsFromOne(int steps, double shift, double expected)
    {
        var levels = Enumerable.Range(1, steps).Select(i => (double)i / steps).Select(s => shift * s / (1 + (shift - 1) * s)).Select(s => NoiseLevel.Of(1 - s, s));
        var process = new DiffusionProcess(NoiseSchedule.FromLevels([.. levels]), Prediction.X0);
        AssertClose(expected, Follow(process, Samplers.Ddim(steps) with { Clip = double.PositiveInfinity }, 1), 1e-7);
    }

    /// <summary>Samples start from the variance that unit data has there: 1 where variance is preserved, √(1+σ²) where it explodes.</summary>
    [Fact]
    public void StartsWhereTheProcessEnds()
    {
        Assert.Equal(1, Samplers.Ddim(10).Plan(DiffusionProcess.Linear()).StartScale, 1e-15);
        var exploding = Samplers.Ddim(12).Plan(new DiffusionProcess(Karras(12, 0.01, 20), Prediction.X0));
        Assert.Equal(Math.Sqrt(401), exploding.StartScale, 1e-12);
        using var loop = new SamplingLoop(Samplers.Ddim(12), exploding, Map((x, _) => x), _device, new Shape(2, 3), seed: 4);
        using Tensor start = loop.Start(firstSample: 5), unit = SamplerRun.Start(_device, new Shape(2, 3), 4, 5);
        AssertClose(unit.ToArray<double>().Select(z => z * Math.Sqrt(401)).ToArray(), start.ToArray<double>(), 1e-12);
    }

    /// <summary>On a variance-preserving process Heun's error falls with the square of the step, and is far below DDIM's at as many evaluations.</summary>
    [Fact]
    public void HeunIsSecondOrder()
    {
        var process = DiffusionProcess.Linear(prediction: Prediction.X0);
        double variance(int t) => process.Schedule.AlphaBar(t) * DataVariance + 1 - process.Schedule.AlphaBar(t);
        double error(Func<int[], Sampler> sampler, int count)
        {
            // From timestep 400 to 40 only: the leap to x̂_0 is first order.
            int[] timesteps = [.. Enumerable.Range(0, count + 1).Select(i => 400 - 360 * i / count)];
            return Math.Abs(Follow(process, sampler(timesteps), 1, before: 1) / Math.Sqrt(variance(40) / variance(400)) - 1);
        }
        static Sampler heun(int[] t) => new HeunSampler(t);
        static Sampler ddim(int[] t) => new DdimSampler { Timesteps = t, Clip = double.PositiveInfinity };
        Assert.InRange(error(heun, 20) / error(heun, 40), 3.4, 4.6);
        Assert.True(error(heun, 20) < 0.1 * error(ddim, 40));
        Assert.Equal(39, new HeunSampler([.. Enumerable.Range(0, 20).Reverse()]).Plan(process).Evaluations);
    }

    /// <summary>Where x comes from a start, with the best x̂_0; or some steps before its end.</summary>
    private double Follow(DiffusionProcess process, Sampler sampler, double from, int before = 0)
    {
        var table = sampler.Plan(process);
        double reached = double.NaN;
        using var start = new Tensor(_device, new Shape(1)).Upload([from]);
        using var result = SamplerRun.Run(sampler, table, Map((x, t) =>
        {
            var level = process.Schedule.Level((int)t);
            return level.Alpha * DataVariance * x / (level.SignalVariance * DataVariance + level.NoiseVariance);
        }), start, seed: 1, observer: (step, x, _) =>
        {
            if (step == table.Rows.Count - 1 - before)
            {
                reached = x.ToArray<double>()[0];
            }
        });
        return reached;
    }

    private static NoiseSchedule Karras(int count, double smallest, double largest)
    {
        const double rho = 7;
        double from = Math.Pow(smallest, 1 / rho), to = Math.Pow(largest, 1 / rho);
        return NoiseSchedule.FromLevels([.. Enumerable.Range(0, count).Select(i => NoiseLevel.Of(1, Math.Pow(from + (to - from) * i / (count - 1), rho)))]);
    }

    private static Denoiser Map(Func<double, double, double> network) => (x, timesteps) =>
    {
        double[] values = x.ToArray<double>(), t = timesteps.ToArray<double>();
        int perSample = values.Length / t.Length;
        return new Tensor(x.Device, x.Shape).Upload([.. values.Select((value, i) => network(value, t[i / perSample]))]);
    };
}
