namespace RawDiffusion.Diffusion;

/// <summary>Ways of leaning a model's samples towards a condition.</summary>
public static class Guidance
{
    /// <summary>
    /// Classifier-free guidance (Ho and Salimans 2022): ε_∅ + s·(ε_y − ε_∅). As x̂_0, v and μ depend linearly on ε at one x_t, the same
    /// mixture of them means the same. Scale 1 is the conditional model and scale 0 the unconditional one; both then run alone.
    /// </summary>
    /// <param name="unconditional">The model without a label.</param>
    /// <param name="conditional">The model with the label.</param>
    /// <param name="scale">s; above 1 exaggerates what the label changes.</param>
    public static Denoiser ClassifierFree(Denoiser unconditional, Denoiser conditional, double scale) => scale switch
    {
        0 => unconditional,
        1 => conditional,
        _ => (x, timesteps) =>
        {
            using var without = unconditional(x, timesteps);
            var with = conditional(x, timesteps);
            x.Device.LinearCombination(scale, with, 1 - scale, without, with);
            return with;
        }
    };
}
