using FsCheck;
using FsCheck.Fluent;
using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using static RawDiffusion.UnitTests.Diffusion.Numbers;

namespace RawDiffusion.UnitTests.Diffusion;

public class StepTableTests
{
    private const double NoClip = double.PositiveInfinity;

    [Fact]
    public void DdimStepOfTheTable()
    {
        var step = new DdimSampler { Timesteps = [500, 480], Clip = NoClip }.Plan(new DiffusionProcess(NoiseSchedule.Linear(), Prediction.Epsilon)).Rows[0];
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
                StepTable[] plans =
                [
                    new AncestralSampler { Steps = count, Variance = ReverseVariance.FixedSmall, Spacing = spacing }.Plan(new DiffusionProcess(schedule, prediction)),
                    new AncestralSampler { Steps = count, Variance = ReverseVariance.FixedLarge, Spacing = spacing }.Plan(new DiffusionProcess(schedule, prediction)),
                    new DdimSampler { Steps = count, Eta = 0, Spacing = spacing }.Plan(new DiffusionProcess(schedule, prediction)),
                    new DdimSampler { Steps = count, Eta = 1, Spacing = spacing }.Plan(new DiffusionProcess(schedule, prediction)),
                    new DpmSolver2MSampler { Steps = count, Spacing = spacing }.Plan(new DiffusionProcess(schedule, prediction)),
                    .. schedule.AlphaBar(schedule.Steps - 1) == 0 ? (StepTable[])[] : [new PlmsSampler { Steps = count, Spacing = spacing }.Plan(new DiffusionProcess(schedule, prediction))],
                ];
                foreach (var plan in plans)
                {
                    var last = plan.Rows[^1];
                    bool ends = last is { U: 0, V: 1, W: [] or [0], S: 0 } && last.Apply(0.7, 0.2) is var (next, x0) && next == x0;
                    if (!ends || plan.Rows.Count != count || plan.Rows[0].W is not ([] or [0]) || !plan.Rows.All(IsFinite))
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
        var ancestral = new AncestralSampler { Steps = count, Variance = ReverseVariance.FixedSmall, Spacing = TimestepSpacing.Linspace }.Plan(new DiffusionProcess(schedule, Prediction.V));
        var ddim = new DdimSampler { Steps = count, Eta = 1, Spacing = TimestepSpacing.Linspace }.Plan(new DiffusionProcess(schedule, Prediction.V));
        for (int i = 0; i < count; i++)
        {
            var (a, b) = (ancestral.Rows[i], ddim.Rows[i]);
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
        var small = new AncestralSampler { Steps = 50, Variance = ReverseVariance.FixedSmall }.Plan(new DiffusionProcess(schedule, Prediction.Epsilon));
        var large = new AncestralSampler { Steps = 50, Variance = ReverseVariance.FixedLarge }.Plan(new DiffusionProcess(schedule, Prediction.Epsilon));
        for (int i = 0; i < 49; i++)
        {
            int t = 49 - i;
            Assert.Equal(timesteps[i], small.Rows[i].Timestep, 0);
            AssertClose(respaced.Posterior(t).XtCoefficient, small.Rows[i].U, 1e-9);
            AssertClose(respaced.Posterior(t).X0Coefficient, small.Rows[i].V, 1e-9);
            AssertClose(Math.Sqrt(respaced.Posterior(t).Variance), small.Rows[i].S, 1e-9);
            AssertClose(Math.Sqrt(respaced.Beta(t)), large.Rows[i].S, 1e-9);
        }
    }

    [Fact]
    public void ClippedX0ImpliesItsOwnNoise()
    {
        var schedule = NoiseSchedule.Linear();
        var step = new DdimSampler { Timesteps = [500, 480] }.Plan(new DiffusionProcess(schedule, Prediction.Epsilon)).Rows[0];
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
        var (_, unclipped) = new DdimSampler { Steps = 20, Clip = NoClip }.Plan(new DiffusionProcess(schedule, Prediction.Epsilon)).Rows[0].Apply(1, 0.99);
        Assert.True(unclipped > 100);
        var (next, x0) = new DdimSampler { Steps = 20 }.Plan(new DiffusionProcess(schedule, Prediction.Epsilon)).Rows[0].Apply(1, 0.99);
        Assert.Equal(1, x0);
        Assert.InRange(next, 0.9, 1.2);
    }

    /// <summary>The network was trained on the original process, so x̂_0 is read from its μ by that process, however few timesteps are visited.</summary>
    [Fact]
    public void PosteriorMeanIsReadByTheOriginalProcess()
    {
        var schedule = NoiseSchedule.Linear();
        var step = new AncestralSampler { Timesteps = [500, 200], Clip = NoClip }.Plan(new DiffusionProcess(schedule, Prediction.PosteriorMean)).Rows[0];
        double mean = schedule.Posterior(500).X0Coefficient * 0.4 + schedule.Posterior(500).XtCoefficient * 0.9;
        AssertClose(0.4, step.Apply(0.9, mean).X0, 1e-9);
    }

    [Fact]
    public void DpmSolverOverOneIntervalIsDdim()
    {
        var schedule = NoiseSchedule.Linear();
        var dpm = new DpmSolver2MSampler { Timesteps = [800, 300] }.Plan(new DiffusionProcess(schedule, Prediction.V)).Rows[0];
        var ddim = new DdimSampler { Timesteps = [800, 300] }.Plan(new DiffusionProcess(schedule, Prediction.V)).Rows[0];
        AssertClose(ddim.U, dpm.U, 1e-12);
        AssertClose(ddim.V, dpm.V, 1e-12);
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1.1)]
    [InlineData(double.NaN)]
    public void EtaOutOfRangeIsRefused(double eta) =>
        Assert.Throws<ConfigurationException>(() => new DdimSampler { Steps = 10, Eta = eta }.Plan(new DiffusionProcess(NoiseSchedule.Linear(), Prediction.Epsilon)));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    public void ClipOutOfRangeIsRefused(double clip) =>
        Assert.Throws<ConfigurationException>(() => new DdimSampler { Steps = 10, Clip = clip }.Plan(new DiffusionProcess(NoiseSchedule.Linear(), Prediction.Epsilon)));

    [Fact]
    public void TimestepsThatDoNotFallAreRefused()
    {
        var schedule = NoiseSchedule.Linear(10);
        Assert.Throws<ArgumentException>(() => new DdimSampler { Timesteps = [3, 3] }.Plan(new DiffusionProcess(schedule, Prediction.Epsilon)));
        Assert.Throws<ArgumentException>(() => new DdimSampler { Timesteps = [10, 3] }.Plan(new DiffusionProcess(schedule, Prediction.Epsilon)));
        Assert.Throws<ArgumentException>(() => new DdimSampler { Timesteps = [3, -1] }.Plan(new DiffusionProcess(schedule, Prediction.Epsilon)));
        Assert.Throws<ArgumentException>(() => new DdimSampler { Timesteps = [] }.Plan(new DiffusionProcess(schedule, Prediction.Epsilon)));
    }

    [Fact]
    public void NoiseCannotBePredictedFromNoSignal()
    {
        var schedule = NoiseSchedule.Linear().RescaleZeroTerminalSnr();
        Assert.Throws<ConfigurationException>(() => new DdimSampler { Steps = 10 }.Plan(new DiffusionProcess(schedule, Prediction.Epsilon)));
        Assert.Equal(10, new DdimSampler { Steps = 10 }.Plan(new DiffusionProcess(schedule, Prediction.V)).Rows.Count);
        Assert.Equal(10, new DdimSampler { Steps = 10, Spacing = TimestepSpacing.Leading }.Plan(new DiffusionProcess(schedule, Prediction.Epsilon)).Rows.Count);
    }

    private static bool IsFinite(StepRow row) =>
        ((double[])[row.P, row.Q, row.Clip, row.U, row.V, .. row.W, row.S]).All(c => double.IsFinite(c) && double.IsFinite((float)c));
}
