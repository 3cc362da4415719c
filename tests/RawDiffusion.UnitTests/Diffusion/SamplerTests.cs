using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Diffusion;
using RawDiffusion.Testing;
using static RawDiffusion.UnitTests.Diffusion.Numbers;

namespace RawDiffusion.UnitTests.Diffusion;

/// <summary>Plans carried out on a device. Each test demands that every buffer comes back.</summary>
public sealed class SamplerTests : IDisposable
{
    private const double NoClip = double.PositiveInfinity;
    private static readonly NoiseSchedule Schedule = NoiseSchedule.Linear();
    private readonly ReferenceDevice _device = new() { PoisonNewTensors = true };

    public void Dispose()
    {
        Assert.Equal(0, _device.Memory.LiveBlocks);
        _device.Dispose();
    }

    [Fact]
    public void AncestralRunOfTheReferenceSystem()
    {
        var reference = ReferenceRunTests.Samplers();
        double[] given = reference.Read("linear.ddpm_fixed_large.noise50");
        var thousand = AncestralSampler.Plan(new DiffusionProcess(Schedule, Prediction.Epsilon), 1000, ReverseVariance.FixedLarge, NoClip);
        using var start = Upload(reference.Read("x_T"));
        Tensor[] noise = [.. Enumerable.Range(0, 50).Select(step => Upload(given[(96 * step)..(96 * step + 96)]))];
        using var result = Sampler.Run(new SamplerPlan(thousand.Steps[..50]), Analytic, start, seed: 1, noise: noise);
        AssertClose(reference.Read("linear.ddpm_fixed_large.x_950"), result.ToArray<double>(), 1e-5);
        AssertClose(reference.Read("x_T"), start.ToArray<double>(), 0);
        Array.ForEach(noise, tensor => tensor.Dispose());
    }

    [Fact]
    public void DdimRunOfTheReferenceSystem()
    {
        var reference = ReferenceRunTests.Samplers();
        var plan = DdimSampler.Plan(new DiffusionProcess(NoiseSchedule.Cosine(), Prediction.Epsilon), 20, clip: NoClip, spacing: TimestepSpacing.Leading);
        using var start = Upload(reference.Read("x_T"));
        using var result = Sampler.Run(plan, Analytic, start, seed: 1);
        AssertClose(reference.Read("squaredcos_cap_v2.ddim20.result"), result.ToArray<double>(), 1e-5);
    }

    [Fact]
    public void MultistepRunOfTheReferenceSystem()
    {
        var reference = ReferenceRunTests.Samplers();
        var plan = DpmSolverSampler.Plan(new DiffusionProcess(Schedule, Prediction.Epsilon), 20, NoClip);
        using var start = Upload(reference.Read("x_T"));
        using var result = Sampler.Run(plan, Analytic, start, seed: 1);
        AssertClose(reference.Read("linear.dpmpp2m20.result"), result.ToArray<double>(), 1e-5);
    }

    /// <summary>The same on the CPU device, whose x and coefficients are single precision: the agreement the reference values are good for.</summary>
    [Fact]
    public void TheCpuDeviceAgreesInSinglePrecision()
    {
        var reference = ReferenceRunTests.Samplers();
        using var cpu = new CpuDevice();
        using var start = new Tensor(cpu, new Shape(2, 3, 4, 4)).Upload(reference.Read("x_T"));
        foreach (string name in new[] { "linear", "squaredcos_cap_v2" })
        {
            var schedule = NoiseSchedule.Of(NamedEnum<BetaSchedule>.Find(name)!.Value);
            var ddim = DdimSampler.Plan(new DiffusionProcess(schedule, Prediction.Epsilon), 20, clip: NoClip, spacing: TimestepSpacing.Leading);
            using var ddimResult = Sampler.Run(ddim, Analytic, start, seed: 1);
            AssertClose(reference.Read($"{name}.ddim20.result"), ddimResult.ToArray<double>(), 1e-5);
            var dpm = DpmSolverSampler.Plan(new DiffusionProcess(schedule, Prediction.Epsilon), 20, NoClip);
            using var dpmResult = Sampler.Run(dpm, Analytic, start, seed: 1);
            AssertClose(reference.Read($"{name}.dpmpp2m20.result"), dpmResult.ToArray<double>(), 1e-5);
        }
    }

    /// <summary>The noise that a run draws is that of the purpose, the step's place in the plan and the sample's index; nothing else.</summary>
    [Fact]
    public void NoiseIsDrawnAtTheStepsPlaceInThePlan()
    {
        var shape = new Shape(2, 3, 5);
        var plan = DdimSampler.Plan(new DiffusionProcess(Schedule, Prediction.V), 4, eta: 1);
        using var start = Sampler.SampleStart(_device, shape, seed: 9, firstSample: 6);
        double[] xT = start.ToArray<double>();
        var noise = new double[4][];
        for (int step = 0; step < 4; step++)
        {
            using var position = new Tensor(_device, new Shape(2), DType.Int32).Upload([step, 6]);
            using var z = new Tensor(_device, shape);
            _device.FillNormal(z, new RandomStream(9, RandomPurpose.SamplingStep, position));
            noise[step] = z.ToArray<double>();
        }
        using var result = Sampler.Run(plan, Analytic, start, seed: 9, firstSample: 6);
        AssertClose(HostSampler.Run(plan.Steps, ReferenceRunTests.Model, xT, (step, i) => noise[step][i]), result.ToArray<double>(), 1e-12);
    }

    [Fact]
    public void ASampleDoesNotDependOnItsBatch()
    {
        var plan = AncestralSampler.Plan(new DiffusionProcess(Schedule, Prediction.Epsilon), 5);
        double[] sample(int first, int count)
        {
            using var start = Sampler.SampleStart(_device, new Shape(count, 4, 4, 3), 42, first);
            using var result = Sampler.Run(plan, Analytic, start, 42, first);
            return result.ToArray<double>();
        }
        double[] together = sample(0, 6);
        Assert.Equal(together[(3 * 48)..(5 * 48)], sample(3, 2));
        Assert.Equal(together[(5 * 48)..], sample(5, 1));
        Assert.NotEqual(together[..48], together[48..96]);
    }

    /// <summary>Nothing of one batch is left for the next: not x̂0 of a multistep plan, and not the first sample's index.</summary>
    [Fact]
    public void ALoopDrawsOneBatchAfterTheOther()
    {
        foreach (var plan in new[] { AncestralSampler.Plan(new DiffusionProcess(Schedule, Prediction.Epsilon), 5), DpmSolverSampler.Plan(new DiffusionProcess(Schedule, Prediction.Epsilon), 5) })
        {
            using Tensor first = Sampler.SampleStart(_device, new Shape(2, 3), 7), second = Sampler.SampleStart(_device, new Shape(2, 3), 7, firstSample: 2);
            using var loop = new SamplingLoop(plan, Analytic, _device, first.Shape, seed: 7, replay: true);
            foreach (var (start, firstSample) in new[] { (first, 0), (second, 2), (first, 0) })
            {
                using Tensor alone = Sampler.Run(plan, Analytic, start, 7, firstSample), inTurn = loop.Run(start, firstSample);
                Assert.Equal(alone.ToArray<double>(), inTurn.ToArray<double>());
            }
        }
    }

    [Fact]
    public void ALoopSaysWhatItWasNotMadeFor()
    {
        using var loop = new SamplingLoop(DdimSampler.Plan(new DiffusionProcess(Schedule, Prediction.Epsilon), 3), Analytic, _device, new Shape(2, 3), seed: 1);
        using Tensor start = new Tensor(_device, new Shape(2, 3)).Clear(), larger = new Tensor(_device, new Shape(3, 3)).Clear();
        Assert.Contains("batches of [2, 3], but", Assert.Throws<ArgumentException>(() => loop.Run(larger)).Message);
        Assert.Contains("without an observer", Assert.Throws<ArgumentException>(() => loop.Run(start, observer: (_, _, _) => { })).Message);
    }

    [Fact]
    public void ObserverSeesEveryStepAndTheLastX0IsTheResult()
    {
        foreach (var plan in new[] { DdimSampler.Plan(new DiffusionProcess(Schedule, Prediction.Epsilon), 6), DpmSolverSampler.Plan(new DiffusionProcess(Schedule, Prediction.Epsilon), 6) })
        {
            var steps = new List<int>();
            var observedX = Array.Empty<double>();
            var observedX0 = Array.Empty<double>();
            using var start = Sampler.SampleStart(_device, new Shape(2, 4), 1);
            using var result = Sampler.Run(plan, Analytic, start, 1, observer: (step, x, x0) =>
            {
                steps.Add(step);
                (observedX, observedX0) = (x.ToArray<double>(), x0.ToArray<double>());
            });
            Assert.Equal([0, 1, 2, 3, 4, 5], steps);
            Assert.Equal(result.ToArray<double>(), observedX);
            Assert.Equal(result.ToArray<double>(), observedX0);
        }
    }

    [Fact]
    public void TheNetworkHearsTheTimestepOncePerSample()
    {
        var heard = new List<double[]>();
        using var start = Sampler.SampleStart(_device, new Shape(3, 2), 1);
        using var result = Sampler.Run(DdimSampler.Plan(new DiffusionProcess(Schedule, Prediction.Epsilon), [700, 20]), (x, timesteps) =>
        {
            heard.Add(timesteps.ToArray<double>());
            return Analytic(x, timesteps);
        }, start, 1);
        Assert.Equal([[700, 700, 700], [20, 20, 20]], heard);
    }

    [Fact]
    public void AFailingNetworkLeavesNothingBehind()
    {
        using var start = Sampler.SampleStart(_device, new Shape(3, 2), 1);
        var plan = DpmSolverSampler.Plan(new DiffusionProcess(Schedule, Prediction.Epsilon), 5);
        int calls = 0;
        Assert.Throws<OperationCanceledException>(() =>
            Sampler.Run(plan, (x, t) => ++calls == 3 ? throw new OperationCanceledException() : Analytic(x, t), start, 1));
        Assert.Contains("[3, 2]", Assert.Throws<ArgumentException>(() => Sampler.Run(plan, (x, _) => new Tensor(x.Device, new Shape(2, 3)), start, 1)).Message);
        Assert.Throws<ArgumentException>(() => Sampler.Run(plan, Analytic, start, 1, noise: []));
    }

    /// <summary>ε_∅ + s·(ε_y − ε_∅), with its parentheses.</summary>
    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 5)]
    [InlineData(3, 11)]
    [InlineData(-1, -1)]
    [InlineData(0.5, 3.5)]
    public void ClassifierFreeGuidanceMixes(double scale, double expected)
    {
        int unconditionalCalls = 0, conditionalCalls = 0;
        Denoiser constant(double value, Action count) => (x, _) =>
        {
            count();
            return new Tensor(x.Device, x.Shape).Upload(Enumerable.Repeat(value, (int)x.Shape.Count).ToArray());
        };
        var guided = Guidance.ClassifierFree(constant(2, () => unconditionalCalls++), constant(5, () => conditionalCalls++), scale);
        using var x = Sampler.SampleStart(_device, new Shape(2, 3), 1);
        using var timesteps = new Tensor(_device, new Shape(2)).Upload([1.0, 1.0]);
        using var output = guided(x, timesteps);
        Assert.All(output.ToArray<double>(), value => Assert.Equal(expected, value, 1e-12));
        Assert.Equal(scale == 1 ? 0 : 1, unconditionalCalls);
        Assert.Equal(scale == 0 ? 0 : 1, conditionalCalls);
    }

    [Fact]
    public void TrainingTargetsInvertOnTheDevice()
    {
        var shape = new Shape(3, 5);
        int[] timesteps = [0, 400, 999];
        var table = new float[12];
        foreach (var prediction in Enum.GetValues<Prediction>())
        {
            TrainingTargets.Coefficients(new DiffusionProcess(Schedule, prediction), timesteps, table);
            using var coefficients = new Tensor(_device, new Shape(3, 4)).Upload(table);
            using var position = new Tensor(_device, new Shape(2), DType.Int32).Upload([0, 0]);
            using var x0 = Sampler.SampleStart(_device, shape, 3);
            using var xt = new Tensor(_device, shape);
            using var target = new Tensor(_device, shape);
            _device.AddNoise(x0, coefficients, null, new RandomStream(3, RandomPurpose.Noise, position), xt, target);
            double[] x0s = x0.ToArray<double>(), xts = xt.ToArray<double>(), targets = target.ToArray<double>();
            for (int i = 0; i < x0s.Length; i++)
            {
                var (p, q) = new DiffusionProcess(Schedule, prediction).X0(timesteps[i / 5]);
                // The table is float32, and q magnifies its rounding.
                Assert.Equal(x0s[i], p * xts[i] + q * targets[i], 1e-6 * (1 + Math.Abs(q)));
            }
        }
    }

    private Tensor Upload(double[] values) => new Tensor(_device, new Shape(2, 3, 4, 4)).Upload(values);

    private static Tensor Analytic(Tensor x, Tensor timesteps)
    {
        double[] values = x.ToArray<double>(), t = timesteps.ToArray<double>();
        int perSample = values.Length / t.Length;
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = ReferenceRunTests.Model(values[i], (int)t[i / perSample]);
        }
        return new Tensor(x.Device, x.Shape, name: "output").Upload(values);
    }
}
