using FsCheck;
using FsCheck.Fluent;
using RawDiffusion.Diffusion;

namespace RawDiffusion.UnitTests.Diffusion;

/// <summary>Schedules of every kind, of 1 to 200 timesteps, for property tests.</summary>
internal static class RandomSchedules
{
    private static readonly Gen<NoiseSchedule> Schedules =
        from kind in Gen.Choose(0, 5)
        from steps in Gen.Choose(1, 200)
        from first in Gen.Choose(1, 100)
        from last in Gen.Choose(100, 5000)
        from seed in Gen.Choose(0, int.MaxValue)
        select Create(kind, steps, first * 1e-4, last * 1e-4, seed);

    /// <summary>A schedule and one of its timesteps.</summary>
    public static Arbitrary<(NoiseSchedule Schedule, int T)> WithTimestep { get; } = Arb.From(
        from schedule in Schedules
        from t in Gen.Choose(0, schedule.Steps - 1)
        select (schedule, t));

    /// <summary>A schedule and a number of sampling steps.</summary>
    public static Arbitrary<(NoiseSchedule Schedule, int Count)> WithCount { get; } = Arb.From(
        from schedule in Schedules
        from count in Gen.Choose(1, schedule.Steps)
        select (schedule, count));

    private static NoiseSchedule Create(int kind, int steps, double first, double last, int seed)
    {
        switch (kind)
        {
            case 0: return NoiseSchedule.Linear(steps, first, last);
            case 1: return NoiseSchedule.ScaledLinear(steps, first, last);
            case 2: return NoiseSchedule.Sigmoid(steps, first, last);
            case 3: return NoiseSchedule.Cosine(steps);
            case 4: return steps > 1 ? NoiseSchedule.Linear(steps, first, last).RescaleZeroTerminalSnr() : NoiseSchedule.Cosine(steps);
            default:
                var random = new Random(seed);
                double[] betas = new double[steps];
                for (int t = 0; t < steps; t++)
                {
                    betas[t] = 1e-5 + 0.3 * random.NextDouble();
                }
                return NoiseSchedule.FromBetas(betas);
        }
    }
}
