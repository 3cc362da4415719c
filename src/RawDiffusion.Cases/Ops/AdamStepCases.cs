using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Steps of Adam with clipping, without and with a gradient that is not finite.</summary>
public static class AdamStepCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("one-step", 33, steps: 1, maxNorm: double.PositiveInfinity),
        Case("one-element", 1, steps: 3, maxNorm: 1),
        Case("clipping", 1025, steps: 4, maxNorm: 1),
        Case("not-clipping", 31, steps: 4, maxNorm: 1000),
        Case("late", 33, steps: 2, maxNorm: 1, firstStep: 100_000),
        Case("infinite-gradient", 33, steps: 1, maxNorm: 1, spoiled: double.PositiveInfinity),
        Case("not-a-number-gradient", 33, steps: 2, maxNorm: double.PositiveInfinity, spoiled: double.NaN),
    ];

    private static DeviceCase Case(string name, int count, int steps, double maxNorm, int firstStep = 1, double? spoiled = null)
    {
        Shape shape = new(count);
        var gradients = Constant("gradients", shape);
        if (spoiled is { } value)
        {
            gradients.Values[count / 2] = value;
        }
        var settings = Enumerable.Range(firstStep, steps).Select(step => Given($"settings {step}", new((int)AdamSetting.Count), Settings(step, maxNorm)));
        return new DeviceCase("AdamStep", name, spoiled is null ? Tolerance.Elementwise : Tolerance.Exact,
            [
                State("parameters", shape), gradients, State("firstMoment", shape, 0.1), SecondMoment(shape), State("ema", shape), Output("norm", new(1)), .. settings,
            ],
            (device, of) =>
            {
                for (int step = firstStep; step < firstStep + steps; step++)
                {
                    device.SumOfSquares(of["gradients"], of["norm"]);
                    device.AdamStep(of["parameters"], of["gradients"], of["firstMoment"], of["secondMoment"], of["ema"], of["norm"], of[$"settings {step}"]);
                }
            });
    }

    private static CaseTensor SecondMoment(Shape shape)
    {
        var v = State("secondMoment", shape, 0.1);
        return v with { Values = [.. v.Values.Select(Math.Abs)] };
    }

    private static double[] Settings(int step, double maxNorm)
    {
        const double beta1 = 0.9, beta2 = 0.999;
        double[] settings = new double[(int)AdamSetting.Count];
        settings[(int)AdamSetting.LearningRate] = 0.01;
        settings[(int)AdamSetting.Beta1] = beta1;
        settings[(int)AdamSetting.OneMinusBeta1] = 1 - beta1;
        settings[(int)AdamSetting.Beta2] = beta2;
        settings[(int)AdamSetting.OneMinusBeta2] = 1 - beta2;
        settings[(int)AdamSetting.Epsilon] = 1e-8;
        settings[(int)AdamSetting.BiasCorrection1] = 1 - Math.Pow(beta1, step);
        settings[(int)AdamSetting.RootBiasCorrection2] = Math.Sqrt(1 - Math.Pow(beta2, step));
        settings[(int)AdamSetting.MaxNorm] = maxNorm;
        settings[(int)AdamSetting.OneMinusEmaDecay] = 0.1;
        return settings;
    }
}
