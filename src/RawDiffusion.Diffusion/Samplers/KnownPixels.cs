using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// Inpainting by what is known of x_0: x̂_0 ← mask·known + (1 − mask)·x̂_0. The noise levels of the steps apply to it as to any x̂_0, and a
/// sampler whose last step goes to x̂_0 ends with the known pixels exactly.
/// </summary>
/// <param name="Mask">Like x: 1 where x_0 is known, 0 where it is to be drawn.</param>
/// <param name="Known">Like x: x_0 where the mask is not 0.</param>
public sealed record KnownPixels(Tensor Mask, Tensor Known) : IStepHook
{
    /// <inheritdoc/>
    public void AfterEstimate(SamplingStep s) => s.X0.Device.Blend(Mask, Known, s.X0, s.X0);
}
