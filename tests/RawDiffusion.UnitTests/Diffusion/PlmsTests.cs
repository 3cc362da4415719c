using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Testing;
using static RawDiffusion.UnitTests.Diffusion.Numbers;

namespace RawDiffusion.UnitTests.Diffusion;

public sealed class PlmsTests : IDisposable
{
    private const double NoClip = double.PositiveInfinity;
    private static readonly NoiseSchedule Schedule = NoiseSchedule.Linear();
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
        var plan = PlmsDenoiser.Plan(Schedule, 6, NoClip);
        double x = 0.8;
        var e = new List<double>();
        foreach (var step in plan.Steps)
        {
            e.Insert(0, ReferenceRunTests.Model(x, step.Timestep));
            double epsilon = e.Count switch
            {
                1 => e[0],
                2 => (3 * e[0] - e[1]) / 2,
                3 => (23 * e[0] - 16 * e[1] + 5 * e[2]) / 12,
                _ => (55 * e[0] - 59 * e[1] + 37 * e[2] - 9 * e[3]) / 24,
            };
            x = step.Apply(x, epsilon).Next;
        }
        AssertClose(x, Run(plan, Prediction.Epsilon, 0.8, (x, t) => ReferenceRunTests.Model(x, t)), 1e-12);
    }

    /// <summary>Whatever the network predicts: ε, x0, v and μ of the same belief lead to the same sample.</summary>
    [Fact]
    public void EveryPredictionMeansTheSame()
    {
        var plan = PlmsDenoiser.Plan(Schedule, 10, NoClip);
        double expected = Run(plan, Prediction.Epsilon, 1.3, ReferenceRunTests.Model);
        foreach (var prediction in Enum.GetValues<Prediction>())
        {
            double output(double x, int t)
            {
                double epsilon = ReferenceRunTests.Model(x, t);
                double x0 = (x - Math.Sqrt(1 - Schedule.AlphaBar(t)) * epsilon) / Math.Sqrt(Schedule.AlphaBar(t));
                var (c, d) = new DiffusionProcess(Schedule, prediction).Target(t);
                return c * x0 + d * epsilon;
            }
            AssertClose(expected, Run(plan, prediction, 1.3, output), 1e-8);
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
        double error(int count, Func<SamplerPlan, double> run)
        {
            int[] timesteps = [.. Enumerable.Range(0, count + 1).Select(i => 400 - 360 * i / count)];
            return Math.Abs(run(new SamplerPlan(DdimSampler.Plan(new DiffusionProcess(Schedule, Prediction.Epsilon), timesteps, clip: NoClip).Steps[..count])) / exact - 1);
        }
        double plms(SamplerPlan plan) => Run(plan, Prediction.Epsilon, 1, best);
        double ddim(SamplerPlan plan) => HostSampler.Run(plan.Steps, best, [1])[0];
        Assert.True(error(20, plms) < 0.2 * error(20, ddim));
        Assert.True(error(40, plms) < error(20, plms) / 3);
    }

    [Fact]
    public void ARunIsGoodForOneRun()
    {
        var plan = PlmsDenoiser.Plan(Schedule, 2);
        using var start = new Tensor(_device, new Shape(1)).Upload([0.5]);
        using var plms = new PlmsDenoiser(new DiffusionProcess(Schedule, Prediction.Epsilon), plan, Denoiser(ReferenceRunTests.Model));
        Sampler.Run(plan, plms.Denoise, start, 1).Dispose();
        Assert.Throws<InvalidOperationException>(() => Sampler.Run(plan, plms.Denoise, start, 1));
    }

    private double Run(SamplerPlan plan, Prediction prediction, double x, Func<double, int, double> model)
    {
        using var start = new Tensor(_device, new Shape(1)).Upload([x]);
        using var plms = new PlmsDenoiser(new DiffusionProcess(Schedule, prediction), plan, Denoiser(model));
        using var result = Sampler.Run(plan, plms.Denoise, start, 1);
        return result.ToArray<double>()[0];
    }

    private static Denoiser Denoiser(Func<double, int, double> model) => (x, timesteps) =>
        new Tensor(x.Device, x.Shape).Upload([model(x.ToArray<double>()[0], (int)timesteps.ToArray<double>()[0])]);
}
