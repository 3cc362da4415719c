using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Diffusion;
using RawDiffusion.Testing;
using static RawDiffusion.UnitTests.Diffusion.Numbers;

namespace RawDiffusion.UnitTests.Diffusion;

/// <summary>What may stand between the halves of a step, and tables of other rows than those of a sampler.</summary>
public sealed class StepHookTests : IDisposable
{
    private static readonly DiffusionProcess _process = DiffusionProcess.Linear(prediction: Prediction.V);
    private readonly ReferenceDevice _device = new() { PoisonNewTensors = true };

    public void Dispose()
    {
        Assert.Equal(0, _device.Memory.LiveBlocks);
        _device.Dispose();
    }

    public static TheoryData<string> Names { get; } = [.. NamedEnum<SamplerName>.Names];

    /// <summary>With a hook between them, estimate and advance are two launches; a hook that does nothing changes no bit of what one launch does.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void EstimateAndAdvanceHaveTheBitsOfTheFusedUpdate(string name)
    {
        using var cpu = new CpuDevice(2);
        var sampler = new SamplingConfig { Sampler = NamedEnum<SamplerName>.Find(name)!.Value, Steps = 6, Eta = 0.7 }.Create();
        using var start = SamplerRun.Start(cpu, new Shape(3, 5, 7, 3), 8);
        using Tensor fused = SamplerRun.Run(sampler, sampler.Plan(_process), Answer, start, seed: 8), apart = SamplerRun.Run(sampler, sampler.Plan(_process), Answer, start, seed: 8, hooks: [new Nothing()]);
        Assert.Equal(fused.ToArray(), apart.ToArray());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void KnownPixelsComeOutAsTheyAre(string name)
    {
        using var cpu = new CpuDevice(1);
        var shape = new Shape(2, 4, 4, 3);
        var sampler = new SamplingConfig { Sampler = NamedEnum<SamplerName>.Find(name)!.Value, Steps = 5 }.Create();
        float[] picture = [.. Enumerable.Range(0, (int)shape.Count).Select(i => MathF.Sin(i))], half = [.. Enumerable.Range(0, picture.Length).Select(i => i % 48 < 24 ? 1f : 0)];
        using Tensor start = SamplerRun.Start(cpu, shape, 1), mask = new Tensor(cpu, shape).Upload(half), known = new Tensor(cpu, shape).Upload(picture);
        using Tensor free = SamplerRun.Run(sampler, sampler.Plan(_process), Answer, start, 1), filled = SamplerRun.Run(sampler, sampler.Plan(_process), Answer, start, 1, hooks: [new KnownPixels(mask, known)]);
        float[] without = free.ToArray(), with = filled.ToArray();
        for (int i = 0; i < with.Length; i++)
        {
            Assert.Equal(half[i] == 1 ? picture[i] : without[i], with[i]);
        }
    }

    [Fact]
    public void AMaskMayBeAnythingBetween()
    {
        using Tensor mask = new Tensor(_device, new Shape(4)).Upload([0.0, 1, 0.25, 1]), known = new Tensor(_device, new Shape(4)).Upload([double.NaN, 2, 4, 6]), start = new Tensor(_device, new Shape(4)).Upload([1.0, 1, 1, 1]);
        var table = new StepTable([new StepRow { Timestep = 3, P = 1, U = 0, V = 1 }]);
        using var result = SamplerRun.Run(new TableSampler(table), table, Answer, start, 1, hooks: [new KnownPixels(mask, known)]);
        Assert.Equal([1, 2, 1.75, 6], result.ToArray<double>());
    }

    /// <summary>
    /// Inpainting of one of two unit Gaussians of correlation .8 where the other is 1: the known one is redrawn by q_sample before each call
    /// (Song et al. 2021), and RePaint (Lugmayr et al. 2022) jumps back j = 5 steps r − 1 times wherever it has come so far. The truth is
    /// N(.8, .36); mean and variance of what comes out follow from the recursion over the linear steps. Here: from what each noise alone does.
    /// </summary>
    [Theory]
    [InlineData(1, 0.49569930, 0.47564799)]
    [InlineData(2, 0.62742541, 0.40262466)]
    public void RePaintFillsWhatIsMissing(int repeats, double mean, double variance)
    {
        const double rho = 0.8;
        var process = new DiffusionProcess(NoiseSchedule.Linear(200, 5e-4, 0.08), Prediction.X0);
        int[] visited = RePaint(200, 5, repeats);
        var rows = visited.Zip(visited[1..], (t, to) => Row(process, t, to)).ToList();
        var table = new StepTable(rows).With("known", i => visited[i] < 0 ? [1, 0] : [process.Schedule.Level(visited[i]).Alpha, process.Schedule.Level(visited[i]).Sigma]);
        Assert.Equal(visited.Zip(visited[1..]).Count(move => move.Second < move.First), table.Evaluations);

        // Sample 0 has no noise at all. Each other one lacks the known value, and has one noise of size 1: the start, a step's, or a redrawing's.
        int count = rows.Count, samples = 2 + 3 * count;
        Tensor impulses(Func<int, int> sample, int pixel) => new Tensor(_device, new Shape(samples, 2)).Upload(Impulse(samples, sample(0), pixel));
        var z = Enumerable.Range(0, count).Select(i => new Tensor(_device, new Shape(samples, 2)).Upload([.. Impulse(samples, 2 + i, 0).Zip(Impulse(samples, 2 + count + i, 1), (a, b) => a + b)])).ToList();
        var redrawn = Enumerable.Range(0, count).Select(i => impulses(_ => 2 + 2 * count + i, 0)).ToList();
        using Tensor start = impulses(_ => 1, 1), mask = new Tensor(_device, new Shape(samples, 2)).Upload([.. Enumerable.Range(0, 2 * samples).Select(i => 1.0 - i % 2)]), known = impulses(_ => 0, 0);
        using var result = SamplerRun.Run(new TableSampler(table), table, Map((x, t) =>
        {
            double a = process.Schedule.AlphaBar((int)t), factor = Math.Sqrt(a) / (1 - a * a * rho * rho);
            return (factor * ((1 - a * rho * rho) * x[0] + rho * (1 - a) * x[1]), factor * (rho * (1 - a) * x[0] + (1 - a * rho * rho) * x[1]));
        }), start, 1, noise: z, hooks: [new Redrawn(mask, known, redrawn)]);
        double[] unknown = [.. result.ToArray<double>().Where((_, i) => i % 2 == 1)];
        AssertClose(mean, unknown[0], 1e-7);
        AssertClose(variance, unknown[1..].Sum(x => x * x), 1e-7);
        z.ForEach(tensor => tensor.Dispose());
        redrawn.ForEach(tensor => tensor.Dispose());
    }

    /// <summary>The authors' schedule of T = 100, j = 5, r = 4 has 671 entries with the data's, and asks the network 385 times.</summary>
    [Fact]
    public void RePaintsScheduleIsTheAuthors()
    {
        int[] visited = RePaint(100, 5, 4);
        Assert.Equal(671, visited.Length);
        Assert.Equal(385, visited.Zip(visited[1..]).Count(move => move.Second < move.First));
    }

    /// <summary>
    /// Langevin steps x + ½ε·score + √ε·z at one timestep, over and over, have the stationary variance V/(1−ε/4V): V = .49 is that of x, and the
    /// score (α·x̂_0 − x)/σ². The variance is the sum of the squared responses to one z, which is the same whenever it comes.
    /// </summary>
    [Fact]
    public void LangevinStepsStayAtOneTimestep()
    {
        const double step = 0.02, data = 0.4, noise = 0.09;
        var rows = Enumerable.Range(0, 1500).Select(_ => new StepRow { Timestep = 0, Q = 1, U = 1 - step / 2 / noise, V = step / 2 / noise, S = Math.Sqrt(step) }).ToList();
        var table = new StepTable(rows);
        using Tensor start = new Tensor(_device, new Shape(1)).Clear(), once = new Tensor(_device, new Shape(1)).Upload([1.0]), never = new Tensor(_device, new Shape(1)).Clear();
        double variance = 0;
        using var result = SamplerRun.Run(new TableSampler(table), table, (x, _) => new Tensor(x.Device, x.Shape).Upload([x.ToArray<double>()[0] * data / (data + noise)]), start, 1,
            noise: [once, .. Enumerable.Repeat(never, 1499)], observer: (_, x, _) => variance += Math.Pow(x.ToArray<double>()[0], 2));
        AssertClose(0.49505155, variance, 1e-7);
    }

    [Fact]
    public void ATableSaysWhatIsWrongWithIt()
    {
        var table = new StepTable([new StepRow { Timestep = 1 }, new StepRow { Timestep = 0 }]);
        Assert.Contains("at least one step", Assert.Throws<ArgumentException>(() => new StepTable([])).Message);
        Assert.Contains("as many", Assert.Throws<ArgumentException>(() => new StepTable([new StepRow(), new StepRow { W = [1] }])).Message);
        Assert.Contains("'estimate'", Assert.Throws<ArgumentException>(() => table.With("estimate", _ => [1])).Message);
        Assert.Contains("'mine'", Assert.Throws<ArgumentException>(() => table.With("mine", i => new double[i + 1])).Message);
        using var start = new Tensor(_device, new Shape(1)).Clear();
        Assert.Contains("'mine'", Assert.Throws<ArgumentException>(() => SamplerRun.Run(new TableSampler(table), table, Answer, start, 1, hooks: [new Reader("mine")])).Message);
        SamplerRun.Run(new TableSampler(table), table.With("mine", i => [i]), Answer, start, 1, hooks: [new Reader("mine")]).Dispose();
    }

    /// <summary>RePaint's walk: down from T − 1 to the data, −1; after every j steps up again j, r − 1 times (the authors' get_schedule_jump).</summary>
    private static int[] RePaint(int timesteps, int jump, int repeats)
    {
        var left = Enumerable.Range(0, timesteps).Where(t => t < timesteps - jump && t % jump == 0).ToDictionary(t => t, _ => repeats - 1);
        var visited = new List<int>();
        int t = timesteps;
        while (t >= 1)
        {
            visited.Add(--t);
            if (left.GetValueOrDefault(t) > 0)
            {
                left[t]--;
                for (int i = 0; i < jump; i++)
                {
                    visited.Add(++t);
                }
            }
        }
        return [.. visited, -1];
    }

    /// <summary>Down by the posterior with its small variance, or up by one step of the forward process, which asks nothing.</summary>
    private static StepRow Row(DiffusionProcess process, int t, int to)
    {
        if (to > t)
        {
            return new StepRow { U = Math.Sqrt(1 - process.Schedule.Beta(to)), S = Math.Sqrt(process.Schedule.Beta(to)) };
        }
        var posterior = process.Schedule.Posterior(t);
        return new StepRow { Timestep = t, Q = 1, U = posterior.XtCoefficient, V = posterior.X0Coefficient, S = Math.Sqrt(posterior.Variance) };
    }

    private static double[] Impulse(int samples, int sample, int pixel)
    {
        double[] values = new double[2 * samples];
        values[2 * sample + pixel] = 1;
        return values;
    }

    private static Denoiser Map(Func<double[], double, (double, double)> network) => (x, timesteps) =>
    {
        double t = timesteps.ToArray<double>()[0];
        return new Tensor(x.Device, x.Shape).Upload([.. x.ToArray<double>().Chunk(2).SelectMany(pair => network(pair, t) is var (a, b) ? (double[])[a, b] : [])]);
    };

    private static Tensor Answer(Tensor x, Tensor timesteps) => new Tensor(x.Device, x.Shape).Upload([.. x.ToArray().Select((value, i) => MathF.Sin(3 * value + i))]);

    private sealed record TableSampler(StepTable Table) : Sampler
    {
        public override StepTable Plan(DiffusionProcess process) => Table;
    }

    private sealed class Nothing : IStepHook;

    private sealed class Reader(string column) : IStepHook
    {
        public void AfterEstimate(SamplingStep s) => s.Coefficients(column);
    }

    private sealed class Redrawn(Tensor mask, Tensor known, List<Tensor> noise) : IStepHook
    {
        private int _call;

        public void BeforeNetwork(SamplingStep s)
        {
            using var redrawn = new Tensor(s.X.Device, s.X.Shape);
            s.X.Device.WeightedSum(s.Coefficients("known"), [known], noise[_call++], default, redrawn);
            s.X.Device.Blend(mask, redrawn, s.X, s.X);
        }
    }
}
