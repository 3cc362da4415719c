using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void SumOfSquaresCore(Tensor x, Tensor sum)
    {
        double total = 0;
        foreach (double value in Reals(x))
        {
            total += value * value;
        }
        Reals(sum)[0] = total;
    }

    /// <inheritdoc/>
    protected override void AdamStepCore(Tensor parameters, Tensor gradients, Tensor firstMoment, Tensor secondMoment, Tensor ema, Tensor gradientSumOfSquares, Tensor settings)
    {
        var ps = Reals(parameters);
        var gs = Reals(gradients);
        var ms = Reals(firstMoment);
        var vs = Reals(secondMoment);
        var averages = Reals(ema);
        double norm = Math.Sqrt(Reals(gradientSumOfSquares)[0]);
        if (!double.IsFinite(norm))
        {
            return;
        }
        double shrink = Math.Min(1, Setting(AdamSetting.MaxNorm) / (norm + 1e-6));
        double rate = Setting(AdamSetting.LearningRate) / Setting(AdamSetting.BiasCorrection1);
        for (int i = 0; i < ps.Length; i++)
        {
            double g = gs[i] * shrink;
            ms[i] += Setting(AdamSetting.OneMinusBeta1) * (g - ms[i]);
            vs[i] = Setting(AdamSetting.Beta2) * vs[i] + Setting(AdamSetting.OneMinusBeta2) * g * g;
            ps[i] -= rate * ms[i] / (Math.Sqrt(vs[i]) / Setting(AdamSetting.RootBiasCorrection2) + Setting(AdamSetting.Epsilon));
            averages[i] += Setting(AdamSetting.OneMinusEmaDecay) * (ps[i] - averages[i]);
        }

        double Setting(AdamSetting setting) => Reals(settings)[(int)setting];
    }
}
