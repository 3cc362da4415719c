using FsCheck;
using FsCheck.Fluent;
using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using static RawDiffusion.UnitTests.Diffusion.Numbers;

namespace RawDiffusion.UnitTests.Diffusion;

public class PredictionTests
{
    public static TheoryData<Prediction> Predictions { get; } = new(Enum.GetValues<Prediction>());

    /// <summary>What a perfect network says leads back to the data: x̂_0 = p·x_t + q·target = x_0, whatever x_0 and ε are.</summary>
    [Theory]
    [MemberData(nameof(Predictions))]
    public void X0InvertsTheForwardProcess(Prediction prediction) => Prop.ForAll(RandomSchedules.WithTimestep, x =>
    {
        var (schedule, t) = x;
        double signal = Math.Sqrt(schedule.AlphaBar(t)), noise = Math.Sqrt(1 - schedule.AlphaBar(t));
        if (prediction == Prediction.Epsilon && signal == 0)
        {
            return true;
        }
        var (c, d) = new DiffusionProcess(schedule, prediction).Target(t);
        var (p, q) = new DiffusionProcess(schedule, prediction).X0(t);
        // Rounding grows with the size of the terms that cancel.
        double scale = 1 + Math.Abs(q);
        return Near(1, p * signal + q * c, 1e-9 * scale) && Near(0, p * noise + q * d, 0, 1e-9 * scale);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void VelocityIsThatOfSalimansAndHo()
    {
        var schedule = NoiseSchedule.Linear();
        double signal = Math.Sqrt(schedule.AlphaBar(300)), noise = Math.Sqrt(1 - schedule.AlphaBar(300));
        Assert.Equal((-noise, signal), new DiffusionProcess(schedule, Prediction.V).Target(300));     // v = √ᾱ·ε − √(1−ᾱ)·x_0
        Assert.Equal((signal, -noise), new DiffusionProcess(schedule, Prediction.V).X0(300));         // x̂_0 = √ᾱ·x_t − √(1−ᾱ)·v
    }

    [Fact]
    public void NoiseSaysNothingWhereNoSignalIsLeft()
    {
        var schedule = NoiseSchedule.Linear().RescaleZeroTerminalSnr();
        Assert.Contains("v or x0", Assert.Throws<ConfigurationException>(() => new DiffusionProcess(schedule, Prediction.Epsilon).X0(999)).Message);
        Assert.Equal((0, -1), new DiffusionProcess(schedule, Prediction.V).X0(999));
        Assert.Equal((0, 1), new DiffusionProcess(schedule, Prediction.X0).X0(999));
    }

    [Fact]
    public void CoefficientsFillTheTableOfAddNoise()
    {
        var schedule = NoiseSchedule.Linear();
        float[] table = new float[8];
        TrainingTargets.Coefficients(new DiffusionProcess(schedule, Prediction.V), [0, 700], table);
        foreach (var (row, t) in new[] { (0, 0), (1, 700) })
        {
            float signal = (float)Math.Sqrt(schedule.AlphaBar(t)), noise = (float)Math.Sqrt(1 - schedule.AlphaBar(t));
            Assert.Equal([signal, noise, -noise, signal], table[(4 * row)..(4 * row + 4)]);
        }
        Assert.Throws<ArgumentException>(() => TrainingTargets.Coefficients(new DiffusionProcess(schedule, Prediction.V), [0, 1], new float[4]));
        Assert.Throws<ArgumentOutOfRangeException>(() => TrainingTargets.Coefficients(new DiffusionProcess(schedule, Prediction.V), [1000], new float[4]));
        Assert.Throws<ArgumentOutOfRangeException>(() => TrainingTargets.Coefficients(new DiffusionProcess(schedule, Prediction.V), [-1], new float[4]));
    }

    [Fact]
    public void NamesGoThereAndBack()
    {
        Assert.Equal(["epsilon", "sample", "v_prediction", "mu"], NamedEnum<Prediction>.Names);
        foreach (var prediction in Enum.GetValues<Prediction>())
        {
            Assert.Equal(prediction, NamedEnum<Prediction>.Find(NamedEnum<Prediction>.NameOf(prediction)));
        }
        Assert.Null(NamedEnum<Prediction>.Find("flow_prediction"));
        Assert.Null(NamedEnum<Prediction>.Find("0"));
    }

    [Fact]
    public void MinSnrWeightsAreThoseOfThePaper()
    {
        var schedule = NoiseSchedule.Linear();
        foreach (int t in new[] { 0, 100, 500, 999 })
        {
            double ratio = schedule.SignalToNoise(t);
            AssertClose(Math.Min(ratio, 5) / ratio, LossWeights.MinSnr(new DiffusionProcess(schedule, Prediction.Epsilon), 5, t), 1e-12);
            AssertClose(Math.Min(ratio, 5), LossWeights.MinSnr(new DiffusionProcess(schedule, Prediction.X0), 5, t), 1e-12);
            AssertClose(Math.Min(ratio, 5) / (ratio + 1), LossWeights.MinSnr(new DiffusionProcess(schedule, Prediction.V), 5, t), 1e-9);
        }
        var empty = schedule.RescaleZeroTerminalSnr();
        Assert.Equal(1, LossWeights.MinSnr(new DiffusionProcess(empty, Prediction.Epsilon), 5, 999));
        Assert.Equal(0, LossWeights.MinSnr(new DiffusionProcess(empty, Prediction.V), 5, 999));
    }
}
