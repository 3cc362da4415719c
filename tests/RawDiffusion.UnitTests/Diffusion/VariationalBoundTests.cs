using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Diffusion;
using static RawDiffusion.UnitTests.Diffusion.Numbers;

namespace RawDiffusion.UnitTests.Diffusion;

/// <summary>The bound against improved-diffusion's, and against closed forms.</summary>
public class VariationalBoundTests
{
    private const double NoClip = double.PositiveInfinity;
    private const int Samples = 4, Height = 8, Width = 8, Channels = 3;

    // Of the reference itself: float32 sums in which terms of order one cancel.
    private const double ReferenceRounding = 3e-7;

    // Of the reference, too: where an untrained network puts a byte so far off that float32 cannot tell Φ(upper) from Φ(lower), it counts 10⁻¹² instead of the
    // 10⁻¹⁰ or so that double precision finds. Decoder terms of 40 bits come from there.
    private const double Hopeless = 20, HopelessRounding = 4e-3;

    public static TheoryData<string, string, string, bool> Settings
    {
        get
        {
            var data = new TheoryData<string, string, string, bool>();
            foreach (string schedule in (string[])["linear", "cosine"])
            {
                foreach (string variance in (string[])["fixed_small", "fixed_large", "learned_range"])
                {
                    foreach (string prediction in (string[])["eps", "x0", "prev"])
                    {
                        data.Add(schedule, variance, prediction, false);
                        data.Add(schedule, variance, prediction, true);
                    }
                }
            }
            return data;
        }
    }

    /// <summary>All terms, and the hybrid loss: the squared error plus the bound, which improved-diffusion has in bits for T = 1000.</summary>
    [Theory]
    [MemberData(nameof(Settings))]
    public void TermsAreImprovedDiffusions(string scheduleName, string varianceName, string predictionName, bool clipped)
    {
        var reference = Reference();
        var process = Process(scheduleName, predictionName);
        bool learned = varianceName == "learned_range";
        var variance = varianceName == "fixed_large" ? ReverseVariance.FixedLarge : ReverseVariance.FixedSmall;
        int[] timesteps = Array.ConvertAll(reference.Read("t"), t => (int)t);
        double[] rows = new double[Samples * Device.BoundColumns];
        for (int n = 0; n < Samples; n++)
        {
            VariationalBound.Row(process, timesteps[n], variance, learned, clipped ? 1 : NoClip, rows.AsSpan(n * Device.BoundColumns, Device.BoundColumns), BoundTerm.TanhDecoder);
        }
        using var device = new CpuDevice(1);
        using var tape = new Tape(device, recording: false);
        using var prediction = Load(device, reference.Read("eps_output"));
        using var range = learned ? Load(device, reference.Read("v_output")) : null;
        using var xt = Load(device, reference.Read($"{scheduleName}.x_t"));
        using var target = Load(device, Target(reference, process, timesteps));
        using var table = new Tensor(device, new Shape(Samples, Device.BoundColumns)).Upload(rows);
        double[] bits = Array.ConvertAll(tape.GaussianBound(prediction, range, xt, target, table).PerSample.ToArray(), x => (double)x);
        string key = $"{scheduleName}.{varianceName}.{predictionName}";
        AssertAllNear(reference.Read($"{key}.vb_bpd{(clipped ? "_clipped" : "")}"), bits);
        if (!clipped)
        {
            double[] errors = Array.ConvertAll(tape.MeanSquaredError(prediction, target).PerSample.ToArray(), x => (double)x);
            AssertAllNear(reference.Read($"{key}.hybrid_loss"), [.. errors.Select((error, n) => error + (learned ? bits[n] : 0))]);
        }
    }

    [Theory]
    [InlineData("linear")]
    [InlineData("cosine")]
    public void ThePriorsBitsAreImprovedDiffusions(string scheduleName)
    {
        var reference = Reference();
        double[] x0 = reference.Read("x0");
        int count = x0.Length / Samples;
        double[] bits = [.. Enumerable.Range(0, Samples).Select(n =>
            VariationalBound.PriorBits(Process(scheduleName, "eps").Schedule, Array.ConvertAll(x0[(n * count)..((n + 1) * count)], x => (float)x)))];
        AssertAllNear(reference.Read($"{scheduleName}.prior_bpd"), bits);
    }

    /// <summary>
    /// x_0 ~ N(0, s²) and the best estimate of it, whose error is Var(x_0 | x_t) = s²(1−ᾱ)/(ᾱs²+1−ᾱ): then E L_t = ½(e^d − 1 − d + c²·Var(x_0 | x_t)/σ²), with c the
    /// row's factor, σ² its variance and d = ln β̃ − ln σ²; with a normal density as decoder L_0 = ½(ln 2πσ² + Var(x_0 | x_1)/σ²). The sum is the entropy of x_0
    /// where each σ² is best, and above it elsewhere.
    /// </summary>
    [Theory]
    [InlineData(200, 5e-4, 0.08, 0.49, ReverseVariance.FixedSmall, 1.89732827736)]
    [InlineData(200, 5e-4, 0.08, 0.49, ReverseVariance.FixedLarge, 1.12015670769)]
    [InlineData(50, 1e-3, 0.3, 1.7, ReverseVariance.FixedSmall, double.NaN)]
    [InlineData(50, 1e-3, 0.3, 1.7, ReverseVariance.FixedLarge, double.NaN)]
    public void TheBoundOfANormalDistributionIsKnown(int steps, double first, double last, double variance, ReverseVariance reverse, double expected)
    {
        var process = new DiffusionProcess(NoiseSchedule.Linear(steps, first, last));
        double[] row = new double[Device.BoundColumns];
        double bound = Prior(process.Schedule, variance), best = bound;
        for (int t = 0; t < steps; t++)
        {
            VariationalBound.Row(process, t, reverse, false, NoClip, row);
            var level = process.Schedule.Level(t);
            double rest = variance * level.NoiseVariance / (level.SignalVariance * variance + level.NoiseVariance);
            double posterior = row[(int)BoundColumn.PosteriorLogVariance], sigma = row[(int)BoundColumn.HighLogVariance], c = row[(int)BoundColumn.X0Coefficient];
            double d = posterior - sigma, error = c * c * rest;
            bound += t == 0 ? 0.5 * (Math.Log(2 * Math.PI) + sigma + error * Math.Exp(-sigma)) : 0.5 * (Math.Exp(d) - 1 - d + error * Math.Exp(-sigma));
            // The variance of x_{t−1} given x_t, β̃ + c²·Var(x_0 | x_t), is best.
            best += t == 0 ? 0.5 * (Math.Log(2 * Math.PI * rest) + 1) : 0.5 * Math.Log(1 + error * Math.Exp(-posterior));
        }
        double entropy = 0.5 * Math.Log(2 * Math.PI * Math.E * variance);
        AssertClose(entropy + PriorAgainstMarginal(process.Schedule, variance), best, 1e-9);
        Assert.True(bound > best);
        if (!double.IsNaN(expected))
        {
            AssertClose(expected, bound, 1e-9);
            AssertClose(1.06226359349, best, 1e-9);
            AssertClose(6.248964994e-5, Prior(process.Schedule, variance), 1e-8);
        }
    }

    /// <summary>What a network must answer so that a learned range gives the best variance: (v+1)/2 of the way from ln β̃ to ln β.</summary>
    [Theory]
    [InlineData(1, 0.99818294)]
    [InlineData(50, 0.40150814)]
    [InlineData(150, -0.01526495)]
    public void TheBestVarianceLiesWithinTheRange(int t, double expected)
    {
        const double variance = 0.49;
        var process = new DiffusionProcess(NoiseSchedule.Linear(200, 5e-4, 0.08));
        double[] row = new double[Device.BoundColumns];
        VariationalBound.Row(process, t, ReverseVariance.FixedSmall, true, NoClip, row);
        var level = process.Schedule.Level(t);
        double rest = variance * level.NoiseVariance / (level.SignalVariance * variance + level.NoiseVariance), c = row[(int)BoundColumn.X0Coefficient];
        double low = row[(int)BoundColumn.LowLogVariance], high = row[(int)BoundColumn.HighLogVariance];
        double best = Math.Log(Math.Exp(row[(int)BoundColumn.PosteriorLogVariance]) + c * c * rest);
        Assert.Equal(expected, 2 * (best - low) / (high - low) - 1, 1e-8);
    }

    /// <summary>The decoder is the probability of a byte: of a standard deviation of e^−2.5, from the error function, and both ends open.</summary>
    [Theory]
    [InlineData(60, -0.5, -3.33157896)]
    [InlineData(0, -0.9, -2.11275056)]
    [InlineData(255, 0.9, -2.11275056)]
    public void TheDecoderGivesAByteItsProbability(int pixel, float mean, double expected)
    {
        using var device = new CpuDevice(1);
        using var tape = new Tape(device, recording: false);
        double[] row = [0, 1, double.PositiveInfinity, 1, -5, -5, -5, (double)BoundTerm.Decoder];
        using var prediction = new Tensor(device, new Shape(1, 1)).Upload([mean]);
        using var target = new Tensor(device, new Shape(1, 1)).Upload([pixel / 127.5f - 1]);
        using var table = new Tensor(device, new Shape(1, Device.BoundColumns)).Upload(row);
        double bits = tape.GaussianBound(prediction, null, target, target, table).Loss.ToArray()[0];
        Assert.Equal(expected, -bits * VariationalBound.NatsPerBit, 1e-6);
    }

    private static double Prior(NoiseSchedule schedule, double variance)
    {
        var last = schedule.Level(schedule.Steps - 1);
        return 0.5 * (last.SignalVariance * variance + last.NoiseVariance - 1 - Math.Log(last.NoiseVariance));
    }

    // D_KL(q(x_T) ‖ N(0, 1)): x_T is normal, too.
    private static double PriorAgainstMarginal(NoiseSchedule schedule, double variance)
    {
        var last = schedule.Level(schedule.Steps - 1);
        double marginal = last.SignalVariance * variance + last.NoiseVariance;
        return 0.5 * (marginal - 1 - Math.Log(marginal));
    }

    private static ReferenceTensors Reference() => new("variational-bound", "variational_bound.safetensors");

    private static DiffusionProcess Process(string schedule, string prediction) => new(
        schedule == "linear" ? NoiseSchedule.Linear() : NoiseSchedule.Cosine(),
        prediction switch { "eps" => Prediction.Epsilon, "x0" => Prediction.X0, _ => Prediction.PosteriorMean });

    private static double[] Target(ReferenceTensors reference, DiffusionProcess process, int[] timesteps)
    {
        double[] x0 = reference.Read("x0"), noise = reference.Read("noise");
        int count = x0.Length / Samples;
        return [.. x0.Select((x, i) =>
        {
            var (c, d) = process.Target(timesteps[i / count]);
            return c * x + d * noise[i];
        })];
    }

    // All that matters is which elements belong to a sample, so channels may stay where they are.
    private static Tensor Load(Device device, double[] values) => new Tensor(device, new Shape(Samples, Height, Width, Channels)).Upload(values);

    private static void AssertAllNear(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(Near(expected[i], actual[i], Math.Abs(expected[i]) > Hopeless && i == 0 ? HopelessRounding : 1e-4, ReferenceRounding), $"sample {i}: expected {expected[i]:R}, found {actual[i]:R}");
        }
    }
}
