using FsCheck;
using FsCheck.Fluent;
using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using static RawDiffusion.UnitTests.Diffusion.Numbers;

namespace RawDiffusion.UnitTests.Diffusion;

public class NoiseScheduleTests
{
    [Fact]
    public void LinearScheduleOfThePaperInTheMiddle()
    {
        var schedule = NoiseSchedule.Linear();
        AssertClose(0.0785872428818, schedule.AlphaBar(499), 1e-11);
        AssertClose(0.0100313554146, schedule.Posterior(499).Variance, 1e-11);
        AssertClose(0.00307007111426, schedule.Posterior(499).X0Coefficient, 1e-11);
        AssertClose(0.99410667021, schedule.Posterior(499).XtCoefficient, 1e-11);
    }

    [Fact]
    public void SchedulesStartAndEndWhereTheyShould()
    {
        foreach (var schedule in new[] { NoiseSchedule.Linear(), NoiseSchedule.ScaledLinear() })
        {
            AssertClose(1e-4, schedule.Beta(0), 1e-12);
            AssertClose(0.02, schedule.Beta(999), 1e-12);
        }
        var scaled = NoiseSchedule.ScaledLinear(3, 0.01, 0.09);
        AssertClose(0.04, scaled.Beta(1), 1e-12);   // √β is linear: 0.1, 0.2, 0.3
        var sigmoid = NoiseSchedule.Sigmoid(3, 0.1, 0.3);
        AssertClose(0.1 + 0.2 / (1 + Math.Exp(6)), sigmoid.Beta(0), 1e-12);
        AssertClose(0.2, sigmoid.Beta(1), 1e-12);
    }

    [Fact]
    public void CosineScheduleFollowsItsCurveUntilTheCap()
    {
        var schedule = NoiseSchedule.Cosine();
        double f(double u) => Math.Pow(Math.Cos((u + 0.008) / 1.008 * Math.PI / 2), 2);
        for (int t = 0; t < 999; t++)
        {
            AssertClose(f((t + 1) / 1000.0) / f(0), schedule.AlphaBar(t), 1e-9);
        }
        Assert.Equal(0.999, schedule.Beta(999));
        Assert.True(schedule.AlphaBar(999) > 0);
    }

    [Fact]
    public void LogVarianceOfTheFirstStepTakesOverTheSecond()
    {
        var schedule = NoiseSchedule.Linear();
        Assert.Equal(0, schedule.Posterior(0).Variance);
        Assert.Equal(Math.Log(schedule.Posterior(1).Variance), schedule.PosteriorLogVariance(0));
        Assert.Equal(schedule.PosteriorLogVariance(1), schedule.PosteriorLogVariance(0));
        Assert.True(double.IsFinite(NoiseSchedule.Linear(1).PosteriorLogVariance(0)));
    }

    [Fact]
    public void NamesMeanTheSchedulesTheyName()
    {
        static NoiseSchedule Of(string name) =>
            new DiffusionConfig { BetaSchedule = NamedEnum<BetaSchedule>.Find(name)!.Value, Timesteps = 50, BetaStart = 0.001, BetaEnd = 0.1 }.Process().Schedule;
        Assert.Equal(NoiseSchedule.Linear(50, 0.001, 0.1).Betas, Of("linear").Betas);
        Assert.Equal(NoiseSchedule.ScaledLinear(50, 0.001, 0.1).Betas, Of("scaled_linear").Betas);
        Assert.Equal(NoiseSchedule.Sigmoid(50, 0.001, 0.1).Betas, Of("sigmoid").Betas);
        Assert.Equal(NoiseSchedule.Cosine(50).Betas, Of("squaredcos_cap_v2").Betas);
        Assert.Equal([0.1, 0.3], new DiffusionConfig { Timesteps = 2, TrainedBetas = [0.1, 0.3] }.Process().Schedule.Betas.ToArray());
        Assert.Equal(0, new DiffusionConfig { RescaleZeroSnr = true, Prediction = Prediction.V }.Process().Schedule.AlphaBar(999));
    }

    [Fact]
    public void ProcessesOfAnyKindHaveThePosteriorOfTheirLevels()
    {
        // By Bayes' rule for two normal distributions: x_s | x_0 ~ N(α_s·x_0, σ_s²) and x_t | x_s ~ N((α_t/α_s)·x_s, β).
        NoiseLevel[][] processes =
        [
            [NoiseLevel.VariancePreserving(0.9), NoiseLevel.VariancePreserving(0.4)],
            [NoiseLevel.Of(1, 0.3), NoiseLevel.Of(1, 20)],
            [NoiseLevel.Of(0.8, 0.2), NoiseLevel.Of(0.1, 0.9)],
        ];
        foreach (var levels in processes)
        {
            var schedule = NoiseSchedule.FromLevels(levels);
            var posterior = schedule.Posterior(1);
            var (s, t) = (levels[0], levels[1]);
            double ratio = t.Alpha / s.Alpha, beta = t.NoiseVariance - ratio * ratio * s.NoiseVariance;
            double precision = 1 / s.NoiseVariance + ratio * ratio / beta;
            AssertClose(beta, schedule.Beta(1), 1e-12);
            AssertClose(1 / precision, posterior.Variance, 1e-12);
            AssertClose(s.Alpha / s.NoiseVariance / precision, posterior.X0Coefficient, 1e-12);
            AssertClose(ratio / beta / precision, posterior.XtCoefficient, 1e-12);
        }
    }

    [Fact]
    public void LevelsMustFallFromSignalToNoise()
    {
        Assert.Throws<ConfigurationException>(() => NoiseSchedule.FromLevels([]));
        Assert.Contains("timestep 1", Assert.Throws<ConfigurationException>(() => NoiseSchedule.FromLevels([NoiseLevel.Of(1, 2), NoiseLevel.Of(1, 2)])).Message);
        Assert.Throws<ConfigurationException>(() => NoiseSchedule.FromLevels([NoiseLevel.Of(1, 0)]));
        Assert.Throws<ConfigurationException>(() => NoiseSchedule.FromLevels([NoiseLevel.Of(double.NaN, 1)]));
        Assert.Equal(1, NoiseSchedule.FromLevels([NoiseLevel.Of(0, 1)]).Steps);
    }

    [Fact]
    public void ZeroTerminalSnrKeepsTheFirstTimestepAndEmptiesTheLast()
    {
        var schedule = NoiseSchedule.Linear();
        var rescaled = schedule.RescaleZeroTerminalSnr();
        AssertClose(schedule.AlphaBar(0), rescaled.AlphaBar(0), 1e-12);
        Assert.Equal(0, rescaled.AlphaBar(999));
        Assert.Equal(0, rescaled.SignalToNoise(999));
        // √ᾱ has only been shifted and scaled.
        double ratio(int t) => (Math.Sqrt(rescaled.AlphaBar(0)) - Math.Sqrt(rescaled.AlphaBar(t))) / (Math.Sqrt(schedule.AlphaBar(0)) - Math.Sqrt(schedule.AlphaBar(t)));
        AssertClose(ratio(999), ratio(500), 1e-9);
        Assert.Throws<ConfigurationException>(() => NoiseSchedule.Linear(1).RescaleZeroTerminalSnr());
    }

    [Theory]
    [InlineData(0, 1e-4, 0.02)]
    [InlineData(10, 0, 0.02)]
    [InlineData(10, 1e-4, 1.5)]
    [InlineData(10, -0.1, 0.1)]
    [InlineData(10, double.NaN, 0.1)]
    public void ImpossibleSchedulesAreRefused(int steps, double first, double last) =>
        Assert.Throws<ConfigurationException>(() => NoiseSchedule.Linear(steps, first, last));

    [Fact]
    public void AlphaBarFallsWithinItsRange() => Prop.ForAll(RandomSchedules.WithTimestep, x =>
        x.Schedule.AlphaBar(x.T) < x.Schedule.AlphaBar(x.T - 1) && x.Schedule.AlphaBar(x.T) >= 0).QuickCheckThrowOnFailure();

    /// <summary>Marginalising x_t out of the posterior gives q(x_{t−1} | x_0) back, mean and variance; and precisions add up (Bayes).</summary>
    [Fact]
    public void PosteriorIsThatOfTheForwardProcess() => Prop.ForAll(RandomSchedules.WithTimestep, x =>
    {
        var (schedule, t) = x;
        double alphaBar = schedule.AlphaBar(t), previous = schedule.AlphaBar(t - 1), beta = schedule.Beta(t);
        double forX0 = schedule.Posterior(t).X0Coefficient, forXt = schedule.Posterior(t).XtCoefficient, variance = schedule.Posterior(t).Variance;
        bool mean = Near(Math.Sqrt(previous), forX0 + forXt * Math.Sqrt(alphaBar));
        bool spread = Near(1 - previous, forXt * forXt * (1 - alphaBar) + variance);
        bool bayes = t == 0 ? variance == 0 : Near(1 / variance, (1 - beta) / beta + 1 / (1 - previous), 1e-8);
        return mean && spread && bayes;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void RespacingKeepsAlphaBar() => Prop.ForAll(RandomSchedules.WithCount, x =>
    {
        int[] timesteps = Timesteps.Select(x.Schedule.Steps, x.Count, TimestepSpacing.Linspace);
        Array.Reverse(timesteps);
        var respaced = x.Schedule.Respace(timesteps);
        return Enumerable.Range(0, x.Count).All(i => x.Schedule.AlphaBar(timesteps[i]) == respaced.AlphaBar(i));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void RespacingWantsRisingTimesteps()
    {
        var schedule = NoiseSchedule.Linear(10);
        Assert.Throws<ArgumentException>(() => schedule.Respace([]));
        Assert.Throws<ArgumentException>(() => schedule.Respace([3, 3]));
        Assert.Throws<ArgumentException>(() => schedule.Respace([3, 10]));
        Assert.Throws<ArgumentException>(() => schedule.Respace([-1, 3]));
    }
}
