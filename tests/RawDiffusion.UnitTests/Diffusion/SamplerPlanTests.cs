using FsCheck;
using FsCheck.Fluent;
using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using static RawDiffusion.UnitTests.Diffusion.Numbers;

namespace RawDiffusion.UnitTests.Diffusion;

public class SamplerPlanTests
{
    private const double NoClip = double.PositiveInfinity;

    [Fact]
    public void DdimStepOfTheTable()
    {
        var step = DdimSampler.Plan(new DiffusionProcess(NoiseSchedule.Linear(), Prediction.Epsilon), [500, 480], clip: NoClip).Steps[0];
        AssertClose(0.5194194050, step.Apply(0.5, 0.3).Next, 1e-9);
    }

    /// <summary>Every sampler, prediction, spacing and number of steps: finite coefficients, and the last step returns x̂_0 as it is.</summary>
    [Fact]
    public void EveryPlanEndsAtX0() => Prop.ForAll(RandomSchedules.WithCount, x =>
    {
        var (schedule, count) = x;
        foreach (var prediction in Enum.GetValues<Prediction>())
        {
            if (prediction == Prediction.Epsilon && schedule.AlphaBar(schedule.Steps - 1) == 0)
            {
                continue;
            }
            foreach (var spacing in Enum.GetValues<TimestepSpacing>())
            {
                SamplerPlan[] plans =
                [
                    AncestralSampler.Plan(new DiffusionProcess(schedule, prediction), count, ReverseVariance.FixedSmall, spacing: spacing),
                    AncestralSampler.Plan(new DiffusionProcess(schedule, prediction), count, ReverseVariance.FixedLarge, spacing: spacing),
                    DdimSampler.Plan(new DiffusionProcess(schedule, prediction), count, 0, spacing: spacing),
                    DdimSampler.Plan(new DiffusionProcess(schedule, prediction), count, 1, spacing: spacing),
                    DpmSolverSampler.Plan(new DiffusionProcess(schedule, prediction), count, spacing: spacing),
                ];
                foreach (var plan in plans)
                {
                    var last = plan.Steps[^1];
                    bool ends = last is { U: 0, V: 1, W: 0, S: 0 } && last.Apply(0.7, 0.2) is var (next, x0) && next == x0;
                    if (!ends || plan.Steps.Length != count || plan.Steps[0].W != 0 || !plan.Steps.ToArray().All(IsFinite))
                    {
                        return false;
                    }
                }
            }
        }
        return true;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void DdimWithEtaOneIsAncestralSamplingWithSmallVariance() => Prop.ForAll(RandomSchedules.WithCount, x =>
    {
        var (schedule, count) = x;
        var ancestral = AncestralSampler.Plan(new DiffusionProcess(schedule, Prediction.V), count, ReverseVariance.FixedSmall, spacing: TimestepSpacing.Linspace);
        var ddim = DdimSampler.Plan(new DiffusionProcess(schedule, Prediction.V), count, 1, spacing: TimestepSpacing.Linspace);
        for (int i = 0; i < count; i++)
        {
            var (a, b) = (ancestral.Steps[i], ddim.Steps[i]);
            if (!(Near(a.U, b.U, 1e-6, 1e-9) && Near(a.V, b.V, 1e-6, 1e-9) && Near(a.S, b.S) && a.Timestep == b.Timestep))
            {
                return false;
            }
        }
        return true;
    }).QuickCheckThrowOnFailure();

    /// <summary>Fewer steps are the respaced process's own ancestral steps.</summary>
    [Fact]
    public void AncestralSamplingRespaces()
    {
        var schedule = NoiseSchedule.Cosine();
        int[] timesteps = Timesteps.Select(1000, 50, TimestepSpacing.Linspace);
        var respaced = schedule.Respace(timesteps.Reverse().ToArray());
        var small = AncestralSampler.Plan(new DiffusionProcess(schedule, Prediction.Epsilon), 50, ReverseVariance.FixedSmall);
        var large = AncestralSampler.Plan(new DiffusionProcess(schedule, Prediction.Epsilon), 50, ReverseVariance.FixedLarge);
        for (int i = 0; i < 49; i++)
        {
            int t = 49 - i;
            Assert.Equal(timesteps[i], small.Steps[i].Timestep);
            AssertClose(respaced.Posterior(t).XtCoefficient, small.Steps[i].U, 1e-9);
            AssertClose(respaced.Posterior(t).X0Coefficient, small.Steps[i].V, 1e-9);
            AssertClose(Math.Sqrt(respaced.Posterior(t).Variance), small.Steps[i].S, 1e-9);
            AssertClose(Math.Sqrt(respaced.Beta(t)), large.Steps[i].S, 1e-9);
        }
    }

    [Fact]
    public void ClippedX0ImpliesItsOwnNoise()
    {
        var schedule = NoiseSchedule.Linear();
        var step = DdimSampler.Plan(new DiffusionProcess(schedule, Prediction.Epsilon), [500, 480]).Steps[0];
        double alphaBar = schedule.AlphaBar(500), next = schedule.AlphaBar(480);
        var (x, x0) = step.Apply(2, -1);        // x̂_0 would be about 10
        Assert.Equal(1, x0);
        double epsilon = (2 - Math.Sqrt(alphaBar)) / Math.Sqrt(1 - alphaBar);
        AssertClose(Math.Sqrt(next) + Math.Sqrt(1 - next) * epsilon, x, 1e-12);
    }

    /// <summary>At the cosine schedule's last step ε is divided by √ᾱ = 5e-5: an error of 1% would throw x̂_0 to ±200, were it not clipped.</summary>
    [Fact]
    public void CosineScheduleSurvivesItsFirstSamplingStep()
    {
        var schedule = NoiseSchedule.Cosine();
        AssertClose(5e-5, Math.Sqrt(schedule.AlphaBar(999)), 0.05);
        var (_, unclipped) = DdimSampler.Plan(new DiffusionProcess(schedule, Prediction.Epsilon), 20, clip: NoClip).Steps[0].Apply(1, 0.99);
        Assert.True(unclipped > 100);
        var (next, x0) = DdimSampler.Plan(new DiffusionProcess(schedule, Prediction.Epsilon), 20).Steps[0].Apply(1, 0.99);
        Assert.Equal(1, x0);
        Assert.InRange(next, 0.9, 1.2);
    }

    /// <summary>The network was trained on the original process, so x̂_0 is read from its μ by that process, however few timesteps are visited.</summary>
    [Fact]
    public void PosteriorMeanIsReadByTheOriginalProcess()
    {
        var schedule = NoiseSchedule.Linear();
        var step = AncestralSampler.Plan(new DiffusionProcess(schedule, Prediction.PosteriorMean), [500, 200], clip: NoClip).Steps[0];
        double mean = schedule.Posterior(500).X0Coefficient * 0.4 + schedule.Posterior(500).XtCoefficient * 0.9;
        AssertClose(0.4, step.Apply(0.9, mean).X0, 1e-9);
    }

    [Fact]
    public void DpmSolverOverOneIntervalIsDdim()
    {
        var schedule = NoiseSchedule.Linear();
        var dpm = DpmSolverSampler.Plan(new DiffusionProcess(schedule, Prediction.V), [800, 300]).Steps[0];
        var ddim = DdimSampler.Plan(new DiffusionProcess(schedule, Prediction.V), [800, 300]).Steps[0];
        AssertClose(ddim.U, dpm.U, 1e-12);
        AssertClose(ddim.V, dpm.V, 1e-12);
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1.1)]
    [InlineData(double.NaN)]
    public void EtaOutOfRangeIsRefused(double eta) =>
        Assert.Throws<ConfigurationException>(() => DdimSampler.Plan(new DiffusionProcess(NoiseSchedule.Linear(), Prediction.Epsilon), 10, eta));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    public void ClipOutOfRangeIsRefused(double clip) =>
        Assert.Throws<ConfigurationException>(() => DdimSampler.Plan(new DiffusionProcess(NoiseSchedule.Linear(), Prediction.Epsilon), 10, clip: clip));

    [Fact]
    public void TimestepsThatDoNotFallAreRefused()
    {
        var schedule = NoiseSchedule.Linear(10);
        Assert.Throws<ArgumentException>(() => DdimSampler.Plan(new DiffusionProcess(schedule, Prediction.Epsilon), [3, 3]));
        Assert.Throws<ArgumentException>(() => DdimSampler.Plan(new DiffusionProcess(schedule, Prediction.Epsilon), [10, 3]));
        Assert.Throws<ArgumentException>(() => DdimSampler.Plan(new DiffusionProcess(schedule, Prediction.Epsilon), [3, -1]));
        Assert.Throws<ArgumentException>(() => DdimSampler.Plan(new DiffusionProcess(schedule, Prediction.Epsilon), []));
    }

    [Fact]
    public void NoiseCannotBePredictedFromNoSignal()
    {
        var schedule = NoiseSchedule.Linear().RescaleZeroTerminalSnr();
        Assert.Throws<ConfigurationException>(() => DdimSampler.Plan(new DiffusionProcess(schedule, Prediction.Epsilon), 10));
        Assert.Equal(10, DdimSampler.Plan(new DiffusionProcess(schedule, Prediction.V), 10).Steps.Length);
        Assert.Equal(10, DdimSampler.Plan(new DiffusionProcess(schedule, Prediction.Epsilon), 10, spacing: TimestepSpacing.Leading).Steps.Length);
    }

    private static bool IsFinite(SamplerStep step) =>
        new[] { step.P, step.Q, step.Clip, step.U, step.V, step.W, step.S }.All(c => double.IsFinite(c) && double.IsFinite((float)c));
}
