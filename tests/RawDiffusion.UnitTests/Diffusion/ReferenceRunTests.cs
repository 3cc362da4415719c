using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using static RawDiffusion.UnitTests.Diffusion.Numbers;

namespace RawDiffusion.UnitTests.Diffusion;

/// <summary>
/// Schedules, respacings and whole sampling runs of the reference systems (diffusers' schedulers, in float32, and improved-diffusion's, in
/// float64), on the analytic model ε = 0.3·x + 0.1·sin(t/100).
/// </summary>
public class ReferenceRunTests
{
    private const double NoClip = double.PositiveInfinity;

    public static TheoryData<string> Schedules { get; } = new("linear", "squaredcos_cap_v2");

    internal static ReferenceTensors Samplers() => new("samplers", "samplers.safetensors");

    internal static double Model(double x, int t) => 0.3 * x + 0.1 * Math.Sin(t / 100.0);

    [Theory]
    [MemberData(nameof(Schedules))]
    public void SchedulesAreDiffusers(string name)
    {
        var reference = Samplers();
        var schedule = NoiseSchedule.Of(NamedEnum<BetaSchedule>.Find(name)!.Value);
        AssertClose(reference.Read($"{name}.betas"), schedule.Betas, 1e-6);
        double[] alphaBars = reference.Read($"{name}.alphas_cumprod");
        for (int t = 0; t < 1000; t++)
        {
            AssertClose(alphaBars[t], schedule.AlphaBar(t), 2e-5);  // a product of a thousand float32 numbers
        }
    }

    [Theory]
    [InlineData("linear")]
    [InlineData("cosine")]
    public void RespacingsAreImprovedDiffusions(string name)
    {
        var reference = new ReferenceTensors("variational-bound", "variational_bound.safetensors");
        var schedule = name == "linear" ? NoiseSchedule.Linear() : NoiseSchedule.Cosine();
        AssertClose(reference.Read($"{name}.betas"), schedule.Betas, 1e-13);
        (string Key, int[] Timesteps)[] respacings =
        [
            ("respaced_50", Timesteps.Sections(1000, 50)),
            ("respaced_50", [.. Timesteps.Select(1000, 50, TimestepSpacing.Linspace).Reverse()]),
            ("respaced_10_15_20", Timesteps.Sections(1000, 10, 15, 20)),
            ("respaced_ddim25", [.. Timesteps.Select(1000, 25, TimestepSpacing.Leading).Reverse()]),
        ];
        foreach (var (key, timesteps) in respacings)
        {
            Assert.Equal(reference.Read($"{name}.{key}.timesteps"), timesteps.Select(t => (double)t));
            AssertClose(reference.Read($"{name}.{key}.betas"), schedule.Respace(timesteps).Betas, 1e-12);
        }
        double[] t = reference.Read("t");
        double[] expected = reference.Read($"{name}.posterior_log_variance_clipped");
        AssertClose(expected, t.Select(i => schedule.PosteriorLogVariance((int)i)).ToArray(), 1e-6);
    }

    [Theory]
    [InlineData("linear", "fixed_small", ReverseVariance.FixedSmall)]
    [InlineData("linear", "fixed_large", ReverseVariance.FixedLarge)]
    [InlineData("squaredcos_cap_v2", "fixed_small", ReverseVariance.FixedSmall)]
    [InlineData("squaredcos_cap_v2", "fixed_large", ReverseVariance.FixedLarge)]
    public void FirstFiftyAncestralStepsOfAThousand(string name, string key, ReverseVariance variance)
    {
        var reference = Samplers();
        double[] start = reference.Read("x_T"), noise = reference.Read($"{name}.ddpm_{key}.noise50");
        var plan = new AncestralSampler { Steps = 1000, Variance = variance, Clip = NoClip }.Plan(new DiffusionProcess(NoiseSchedule.Of(NamedEnum<BetaSchedule>.Find(name)!.Value), Prediction.Epsilon));
        double[] x = HostSampler.Run(plan.Rows.Take(50), Model, start, (step, i) => noise[step * start.Length + i]);
        AssertClose(reference.Read($"{name}.ddpm_{key}.x_950"), x, 1e-5);
    }

    [Theory]
    [MemberData(nameof(Schedules))]
    public void DdimInTwentySteps(string name)
    {
        var reference = Samplers();
        var plan = new DdimSampler { Steps = 20, Clip = NoClip, Spacing = TimestepSpacing.Leading }.Plan(new DiffusionProcess(NoiseSchedule.Of(NamedEnum<BetaSchedule>.Find(name)!.Value), Prediction.Epsilon));
        Assert.Equal(reference.Read($"{name}.ddim20.timesteps"), plan.Rows.Select(s => s.Timestep));
        AssertClose(reference.Read($"{name}.ddim20.result"), HostSampler.Run(plan.Rows, Model, reference.Read("x_T")), 1e-5);
    }

    /// <summary>
    /// With clipping, diffusers by default mixes the clipped x̂_0 with the ε of the unclipped one. Our steps differ from it in exactly that:
    /// with its ε in place of ours, its result comes out.
    /// </summary>
    [Theory]
    [MemberData(nameof(Schedules))]
    public void ClippedDdimDiffersFromDiffusersInTheNoiseAlone(string name)
    {
        var reference = Samplers();
        var schedule = NoiseSchedule.Of(NamedEnum<BetaSchedule>.Find(name)!.Value);
        var plan = new DdimSampler { Steps = 20, Clip = 1, Spacing = TimestepSpacing.Leading }.Plan(new DiffusionProcess(schedule, Prediction.Epsilon));
        double[] start = reference.Read("x_T"), theirs = [.. start];
        foreach (var step in plan.Rows)
        {
            double alphaBar = schedule.AlphaBar((int)step.Timestep);
            for (int i = 0; i < theirs.Length; i++)
            {
                double epsilon = Model(theirs[i], (int)step.Timestep);
                var (next, x0) = step.Apply(theirs[i], epsilon);
                double implied = (theirs[i] - Math.Sqrt(alphaBar) * x0) / Math.Sqrt(1 - alphaBar);
                theirs[i] = next + step.U * Math.Sqrt(1 - alphaBar) * (epsilon - implied);
            }
        }
        double[] expected = reference.Read($"{name}.ddim20_clip.result");
        AssertClose(expected, theirs, 1e-5);
        Assert.All(HostSampler.Run(plan.Rows, Model, start), x => Assert.InRange(x, -1, 1));
    }

    [Theory]
    [MemberData(nameof(Schedules))]
    public void DpmSolverInTwentySteps(string name)
    {
        var reference = Samplers();
        var plan = new DpmSolver2MSampler { Steps = 20, Clip = NoClip }.Plan(new DiffusionProcess(NoiseSchedule.Of(NamedEnum<BetaSchedule>.Find(name)!.Value), Prediction.Epsilon));
        Assert.Equal(reference.Read($"{name}.dpmpp2m20.timesteps"), plan.Rows.Select(s => s.Timestep));
        AssertClose(reference.Read($"{name}.dpmpp2m20.result"), HostSampler.Run(plan.Rows, Model, reference.Read("x_T")), 1e-5);
    }
}
