using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Testing;
using static RawDiffusion.UnitTests.Diffusion.Numbers;

namespace RawDiffusion.UnitTests.Diffusion;

public sealed class PlmsTests : IDisposable
{
    private const double NoClip = double.PositiveInfinity;
    private static readonly NoiseSchedule Schedule = NoiseSchedule.Linear();
    private static readonly DiffusionProcess Process = new(Schedule);
    private readonly ReferenceDevice _device = new() { PoisonNewTensors = true };

    public void Dispose()
    {
        Assert.Equal(0, _device.Memory.LiveBlocks);
        _device.Dispose();
    }

    /// <summary>The formulas of Adams and Bashforth, written out for the run of a single number.</summary>
    [Fact]
    public void FollowsTheLinearMultistepFormulas()
    {
        var plms = Samplers.Plms(6) with { Clip = NoClip };
        double x = 0.8;
        var e = new List<double>();
        foreach (var step in plms.Plan(Process).Rows)
        {
            e.Insert(0, ReferenceRunTests.Model(x, (int)step.Timestep));
            double epsilon = e.Count switch
            {
                1 => e[0],
                2 => (3 * e[0] - e[1]) / 2,
                3 => (23 * e[0] - 16 * e[1] + 5 * e[2]) / 12,
                _ => (55 * e[0] - 59 * e[1] + 37 * e[2] - 9 * e[3]) / 24,
            };
            x = step.Apply(x, epsilon).Next;
        }
        AssertClose(x, Run(plms, Prediction.Epsilon, 0.8, ReferenceRunTests.Model), 1e-12);
    }

    /// <summary>Whatever the network predicts: ε, x0, v and μ of the same belief lead to the same sample.</summary>
    [Fact]
    public void EveryPredictionMeansTheSame()
    {
        var plms = Samplers.Plms(10) with { Clip = NoClip };
        double expected = Run(plms, Prediction.Epsilon, 1.3, ReferenceRunTests.Model);
        foreach (var prediction in Enum.GetValues<Prediction>())
        {
            double output(double x, int t)
            {
                double epsilon = ReferenceRunTests.Model(x, t);
                double x0 = (x - Math.Sqrt(1 - Schedule.AlphaBar(t)) * epsilon) / Math.Sqrt(Schedule.AlphaBar(t));
                var (c, d) = new DiffusionProcess(Schedule, prediction).Target(t);
                return c * x0 + d * epsilon;
            }
            AssertClose(expected, Run(plms, prediction, 1.3, output), 1e-8);
        }
    }

    /// <summary>On Gaussian data, whose probability-flow ODE has a known result, 20 steps come closer than DDIM's 20, and 40 much closer still.</summary>
    [Fact]
    public void ConvergesFasterThanDdim()
    {
        const double s = 0.5;
        double variance(int t) => Schedule.AlphaBar(t) * s * s + 1 - Schedule.AlphaBar(t);
        double best(double x, int t) => Math.Sqrt(1 - Schedule.AlphaBar(t)) * x / variance(t);
        double exact = Math.Sqrt(variance(40) / variance(400));
        double error(SpacedSampler sampler, int count)
        {
            int[] timesteps = [.. Enumerable.Range(0, count + 1).Select(i => 400 - 360 * i / count)];
            // The last step, to the data, is first order; what counts is x before it.
            return Math.Abs(Run(sampler with { Timesteps = timesteps, Clip = NoClip }, Prediction.Epsilon, 1, best, before: 1) / exact - 1);
        }
        SpacedSampler plms = new PlmsSampler(), ddim = new DdimSampler();
        Assert.True(error(plms, 20) < 0.2 * error(ddim, 20));
        Assert.True(error(plms, 40) < error(plms, 20) / 3);
    }

    /// <summary>A step's work asks nothing of the host, so a recording of it can be replayed for every step and batch.</summary>
    [Fact]
    public void EveryStepIsTheSameWork()
    {
        var plms = Samplers.Plms(6);
        using var loop = new SamplingLoop(plms, plms.Plan(Process), Denoiser(ReferenceRunTests.Model), _device, new Shape(1), seed: 1, replay: true);
        using var start = new Tensor(_device, new Shape(1)).Upload([0.5]);
        using Tensor first = loop.Run(start), second = loop.Run(start);
        Assert.Equal(first.ToArray<double>(), second.ToArray<double>());
        Assert.Equal(6, plms.Plan(Process).Evaluations);
    }

    /// <summary>The result, or x some steps before it.</summary>
    private double Run(Sampler sampler, Prediction prediction, double x, Func<double, int, double> model, int before = 0)
    {
        using var start = new Tensor(_device, new Shape(1)).Upload([x]);
        var table = sampler.Plan(new DiffusionProcess(Schedule, prediction));
        double reached = double.NaN;
        using var result = SamplerRun.Run(sampler, table, Denoiser(model), start, 1, observer: (step, x, _) =>
        {
            if (step == table.Rows.Count - 1 - before)
            {
                reached = x.ToArray<double>()[0];
            }
        });
        return reached;
    }

    private static Denoiser Denoiser(Func<double, int, double> model) => (x, timesteps) =>
        new Tensor(x.Device, x.Shape).Upload([model(x.ToArray<double>()[0], (int)timesteps.ToArray<double>()[0])]);
}
