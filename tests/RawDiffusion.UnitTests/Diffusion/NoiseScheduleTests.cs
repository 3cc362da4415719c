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
        AssertClose(0.0100313554146, schedule.PosteriorVariance(499), 1e-11);
        AssertClose(0.00307007111426, schedule.PosteriorX0Coefficient(499), 1e-11);
        AssertClose(0.99410667021, schedule.PosteriorXtCoefficient(499), 1e-11);
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
        Assert.Equal(0, schedule.PosteriorVariance(0));
        Assert.Equal(Math.Log(schedule.PosteriorVariance(1)), schedule.PosteriorLogVariance(0));
        Assert.Equal(schedule.PosteriorLogVariance(1), schedule.PosteriorLogVariance(0));
        Assert.True(double.IsFinite(NoiseSchedule.Linear(1).PosteriorLogVariance(0)));
    }

    [Fact]
    public void HubNamesMeanTheSchedulesTheyName()
    {
        Assert.Equal(NoiseSchedule.Linear(50, 0.001, 0.1).Betas, NoiseSchedule.FromHub("linear", 50, 0.001, 0.1).Betas);
        Assert.Equal(NoiseSchedule.ScaledLinear(50, 0.001, 0.1).Betas, NoiseSchedule.FromHub("scaled_linear", 50, 0.001, 0.1).Betas);
        Assert.Equal(NoiseSchedule.Sigmoid(50, 0.001, 0.1).Betas, NoiseSchedule.FromHub("sigmoid", 50, 0.001, 0.1).Betas);
        Assert.Equal(NoiseSchedule.Cosine(50).Betas, NoiseSchedule.FromHub("squaredcos_cap_v2", 50).Betas);
        Assert.Equal([0.1, 0.3], NoiseSchedule.FromHub("linear", 2, trainedBetas: [0.1, 0.3]).Betas.ToArray());
        Assert.Equal(0, NoiseSchedule.FromHub("linear", rescaleZeroTerminalSnr: true).AlphaBar(999));
        Assert.Contains("squaredcos_cap_v2", Assert.Throws<ConfigurationException>(() => NoiseSchedule.FromHub("cosine")).Message);
        Assert.Throws<ConfigurationException>(() => NoiseSchedule.FromHub("trained_betas"));
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
        double forX0 = schedule.PosteriorX0Coefficient(t), forXt = schedule.PosteriorXtCoefficient(t), variance = schedule.PosteriorVariance(t);
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
