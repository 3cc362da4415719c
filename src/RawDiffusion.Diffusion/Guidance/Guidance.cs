using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>Ways of leaning a model's samples towards a condition.</summary>
public static class Guidance
{
    /// <summary>
    /// Classifier-free guidance (Ho and Salimans 2022): ε_∅ + s·(ε_y − ε_∅). As x̂_0, v and μ depend linearly on ε at one x_t, the same
    /// mixture of them means the same. Scale 1 is the conditional model and scale 0 the unconditional one: these need not run both.
    /// </summary>
    /// <param name="unconditional">The model without a label.</param>
    /// <param name="conditional">The model with the label.</param>
    /// <param name="weights">[1, 2] or, for a scale for each sample, [N, 2]: see <see cref="Weights"/>. Read when the step runs, so that they may change from step to step.</param>
    public static Denoiser ClassifierFree(Denoiser unconditional, Denoiser conditional, Tensor weights) => (x, timesteps) =>
    {
        using var without = unconditional(x, timesteps);
        var with = conditional(x, timesteps);
        x.Device.WeightedSum(weights, [with, without], null, default, with);
        return with;
    };

    /// <summary>What the conditional and the unconditional prediction count: (s, 1 − s).</summary>
    /// <param name="scale">s; above 1 exaggerates what the label changes.</param>
    public static double[] Weights(double scale) => [scale, 1 - scale];
}
