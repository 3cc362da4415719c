using RawDiffusion.Diffusion;

namespace RawDiffusion.UnitTests.Diffusion;

/// <summary>
/// Heun's method for the probability-flow ODE in τ = σ/α (Karras et al. 2022, algorithm 1), over rows of the table: Euler's step to x', then
/// the network is asked there, and x'' = x' + α'·(τ'−τ)/(2τ')·(x̂_0 − x̂_0'). The step to the data is Euler's alone. Made of what the library
/// offers to anyone.
/// </summary>
internal sealed record HeunSampler(params int[] Timesteps) : Sampler
{
    /// <summary>x̂_0 of the row before.</summary>
    public override int History => 1;

    public override StepTable Plan(DiffusionProcess process)
    {
        var rows = new List<StepRow>();
        for (int i = 0; i < Timesteps.Length; i++)
        {
            int t = Timesteps[i], to = i + 1 < Timesteps.Length ? Timesteps[i + 1] : -1;
            NoiseLevel level = process.Schedule.Level(t), next = process.Schedule.Level(to);
            rows.Add(At(process, t, DdimSampler.Between(level, next) with { W = [0] }));
            if (to >= 0)
            {
                double ratio = next.Sigma / next.Alpha / (level.Sigma / level.Alpha), half = next.Alpha * (ratio - 1) / (2 * ratio);
                rows.Add(At(process, to, new StepRow { U = 1, V = -half, W = [half] }));
            }
        }
        return new StepTable(rows);
    }

    public override void Step(SamplingStep s)
    {
        base.Step(s);
        s.Remember(s.X0);
    }

    private static StepRow At(DiffusionProcess process, int t, StepRow row)
    {
        var (p, q) = process.X0(t);
        return row with { Timestep = t, P = p, Q = q };
    }
}
