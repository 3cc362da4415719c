using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// PLMS (Liu et al. 2022, eq. 12): DDIM steps along an ε that is extrapolated from this step's and up to three earlier ones by the
/// Adams–Bashforth formulas, whatever the network itself predicts. Deterministic; fourth order; S evaluations. The first three steps use the
/// formulas of lower order, so that every step costs one. The usual spacing is leading, as in latent-diffusion.
/// </summary>
public sealed record PlmsSampler() : SpacedSampler(TimestepSpacing.Leading)
{
    private const string Epsilon = "ε";
    private const string Extrapolation = "extrapolation";

    private static readonly double[][] _adamsBashforth =
    [
        [1, 0, 0, 0],
        [3 / 2.0, -1 / 2.0, 0, 0],
        [23 / 12.0, -16 / 12.0, 5 / 12.0, 0],
        [55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0],
    ];

    /// <summary>ε of the three steps before.</summary>
    public override int History => 3;

    /// <inheritdoc/>
    /// <exception cref="ConfigurationException">Steps or clip out of range, or a timestep without signal, where ε says nothing about x_0.</exception>
    public override StepTable Plan(DiffusionProcess process)
    {
        var table = base.Plan(process with { Prediction = Prediction.Epsilon });
        return table.With(Epsilon, i => InEpsilon(process, (int)table.Rows[i].Timestep)).With(Extrapolation, i => _adamsBashforth[Math.Min(i, 3)]);
    }

    /// <inheritdoc/>
    public override void Step(SamplingStep s)
    {
        using Tensor epsilon = s.Denoise(), extrapolated = new(s.X.Device, s.X.Shape, name: "extrapolated ε");
        s.Sum(Epsilon, [s.X, epsilon], epsilon);
        s.Sum(Extrapolation, [epsilon, .. s.History], extrapolated);
        s.Remember(epsilon);
        s.Update(extrapolated);
    }

    /// <inheritdoc/>
    protected override StepRow Between(NoiseLevel? before, NoiseLevel level, NoiseLevel next) => DdimSampler.Between(level, next);

    /// <summary>What an output means as ε = a·x + b·output: (x − α·x̂_0)/σ.</summary>
    private static double[] InEpsilon(DiffusionProcess process, int t)
    {
        if (process.Prediction == Prediction.Epsilon)
        {
            return [0, 1];
        }
        var (p, q) = process.X0(t);
        var level = process.Schedule.Level(t);
        return [(1 - level.Alpha * p) / level.Sigma, -level.Alpha * q / level.Sigma];
    }
}
