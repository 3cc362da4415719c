using RawDiffusion.Diffusion;
using static RawDiffusion.UnitTests.Diffusion.Numbers;

namespace RawDiffusion.UnitTests.Diffusion;

/// <summary>
/// For data x_0 ~ N(0, s²) the best ε is known, √(1−ᾱ)·x/(ᾱs²+1−ᾱ), and linear in x: so is every sampler's result in x_T and the noises, and
/// its variance is the sum of the squared responses to each of them. No random number is drawn.
/// </summary>
public class GaussianTests
{
    private const double NoClip = double.PositiveInfinity;
    private static readonly NoiseSchedule Schedule = NoiseSchedule.Linear();
    private static readonly DiffusionProcess Process = new(Schedule);

    private static Func<double, int, double> Best(double s) => (x, t) =>
    {
        double alphaBar = Schedule.AlphaBar(t);
        return Math.Sqrt(1 - alphaBar) * x / Variance(alphaBar, s);
    };

    /// <summary>The variance of x_t: ᾱs² + 1 − ᾱ.</summary>
    private static double Variance(double alphaBar, double s) => alphaBar * s * s + 1 - alphaBar;

    /// <summary>The variance after some of the plan's steps from x_T ~ N(0, startVariance).</summary>
    private static double OutputVariance(IEnumerable<StepRow> rows, double s, double startVariance = 1)
    {
        double variance = startVariance * Math.Pow(HostSampler.Run(rows, Best(s), [1])[0], 2);
        for (int k = 0; k < rows.Count(); k++)
        {
            int noisy = k;
            variance += Math.Pow(HostSampler.Run(rows, Best(s), [0], (step, _) => step == noisy ? 1 : 0)[0], 2);
        }
        return variance;
    }

    /// <summary>With s = 1 the reverse process is exactly normal with variance β: x keeps unit variance down to x̂_0 = √ᾱ·x.</summary>
    [Theory]
    [InlineData(10)]
    [InlineData(100)]
    public void LargeVarianceIsRightForUnitGaussians(int count)
    {
        var plan = new AncestralSampler { Steps = count, Variance = ReverseVariance.FixedLarge, Clip = NoClip }.Plan(Process);
        for (int k = 1; k < count; k++)
        {
            AssertClose(1, OutputVariance(plan.Rows.Take(k), 1), 1e-9);
        }
        AssertClose(Schedule.AlphaBar(0), OutputVariance(plan.Rows, 1), 1e-9);
    }

    /// <summary>With s = 0 the posterior is the reverse process: each x has the variance 1 − ᾱ of pure noise, and the end is the point.</summary>
    [Fact]
    public void SmallVarianceIsRightForAPoint()
    {
        var plan = new AncestralSampler { Steps = 50, Variance = ReverseVariance.FixedSmall, Clip = NoClip }.Plan(Process);
        double start = 1 - Schedule.AlphaBar(999);
        for (int k = 1; k < 50; k++)
        {
            AssertClose(1 - Schedule.AlphaBar((int)plan.Rows[k].Timestep), OutputVariance(plan.Rows.Take(k), 0, start), 1e-9);
        }
        Assert.Equal(0, OutputVariance(plan.Rows, 0, start), 1e-12);
    }

    /// <summary>Ancestral sampling of any Gaussian: V' = (u + v·√ᾱs²/(ᾱs²+1−ᾱ))²·V + σ², from Ho et al.'s formulas rather than from the plan.</summary>
    [Theory]
    [InlineData(0.5, ReverseVariance.FixedSmall)]
    [InlineData(0.5, ReverseVariance.FixedLarge)]
    [InlineData(2, ReverseVariance.FixedSmall)]
    public void AncestralVarianceFollowsItsRecursion(double s, ReverseVariance kind)
    {
        double variance = 1;
        for (int t = 999; t >= 940; t--)
        {
            double alphaBar = Schedule.AlphaBar(t), gain = Math.Sqrt(alphaBar) * s * s / Variance(alphaBar, s);
            double factor = Schedule.Posterior(t).XtCoefficient + Schedule.Posterior(t).X0Coefficient * gain;
            variance = factor * factor * variance + (kind == ReverseVariance.FixedSmall ? Schedule.Posterior(t).Variance : Schedule.Beta(t));
        }
        var plan = new AncestralSampler { Steps = 1000, Variance = kind, Clip = NoClip }.Plan(Process);
        AssertClose(variance, OutputVariance(plan.Rows.Take(60), s), 1e-9);
    }

    /// <summary>
    /// A deterministic DDIM step from ᾱ to ᾱ' multiplies x by (√(ᾱᾱ')·s² + √((1−ᾱ)(1−ᾱ'))) / (ᾱs²+1−ᾱ); with η the noise kept shrinks.
    /// </summary>
    [Theory]
    [InlineData(1, 0)]
    [InlineData(7, 0)]
    [InlineData(50, 0)]
    [InlineData(50, 0.5)]
    [InlineData(50, 1)]
    public void DdimVarianceFollowsItsRecursion(int count, double eta)
    {
        const double s = 0.5;
        int[] timesteps = Timesteps.Select(1000, count, TimestepSpacing.Trailing);
        double variance = 1;
        for (int i = 0; i < count; i++)
        {
            double alphaBar = Schedule.AlphaBar(timesteps[i]), next = Schedule.AlphaBar(i + 1 < count ? timesteps[i + 1] : -1);
            double sigma2 = eta * eta * (1 - next) / (1 - alphaBar) * (1 - alphaBar / next);
            double factor = (Math.Sqrt(alphaBar * next) * s * s + Math.Sqrt((1 - alphaBar) * Math.Max(0, 1 - next - sigma2))) / Variance(alphaBar, s);
            variance = factor * factor * variance + sigma2;
        }
        AssertClose(variance, OutputVariance(new DdimSampler { Steps = count, Eta = eta, Clip = NoClip }.Plan(Process).Rows, s), 1e-9);
    }

    /// <summary>The solvers approach the probability-flow ODE, whose result has the data's own variance, at their order: DDIM at the first, 2M at the second.</summary>
    [Fact]
    public void SolversConvergeAtTheirOrder()
    {
        // From timestep 400 to 40 only: the last leap to x̂_0 is first order for both.
        const double s = 0.5;
        double exact(double from, double to) => Math.Sqrt(Variance(to, s) / Variance(from, s));
        double error(int count, Func<int[], StepTable> plan)
        {
            int[] timesteps = [.. Enumerable.Range(0, count + 1).Select(i => 400 - 360 * i / count)];
            double reached = HostSampler.Run(plan(timesteps).Rows.Take(count), Best(s), [1])[0];
            return Math.Abs(reached / exact(Schedule.AlphaBar(400), Schedule.AlphaBar(40)) - 1);
        }
        StepTable ddim(int[] t) => new DdimSampler { Timesteps = t, Clip = NoClip }.Plan(Process);
        StepTable dpm(int[] t) => new DpmSolver2MSampler { Timesteps = t, Clip = NoClip }.Plan(Process);
        Assert.InRange(error(20, ddim) / error(40, ddim), 1.8, 2.2);
        Assert.InRange(error(20, dpm) / error(40, dpm), 3.2, 4.8);
        Assert.True(error(20, dpm) < 0.3 * error(20, ddim));
    }
}
