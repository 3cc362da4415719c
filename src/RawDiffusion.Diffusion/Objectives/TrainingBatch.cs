using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// A batch on the device, as an objective sees it. Images are either numbers, or bytes of which <see cref="Picks"/> says which to take; an
/// objective that starts from noisy images need not know which: <see cref="AddNoise"/>.
/// </summary>
public readonly record struct TrainingBatch
{
    /// <summary>Its extents, [N, H, W, C].</summary>
    public required Shape Shape { get; init; }

    /// <summary>Where the step's random streams stand.</summary>
    public required StreamPosition Random { get; init; }

    /// <summary>Images as numbers in [−1, 1], [N, H, W, C]; null where they come from <see cref="Pixels"/>.</summary>
    public Tensor? Images { get; init; }

    /// <summary>Images as bytes, UInt8 [M, H, W, C].</summary>
    public Tensor? Pixels { get; init; }

    /// <summary>Int32 [N, 2]: a sample's image among the pixels, and whether to mirror it.</summary>
    public Tensor? Picks { get; init; }

    /// <summary>The column at which images begin within their border.</summary>
    public int Left { get; init; }

    /// <summary>The images' columns within their border; only these are mirrored.</summary>
    public int Width { get; init; }

    /// <summary>Labels as <see cref="Objective.Prepare"/> left them, Int32 [N]; null for data without labels.</summary>
    public Tensor? Labels { get; init; }

    /// <summary>Condition planes that the data brings, [N, H, W, P]; null without.</summary>
    public Tensor? Planes { get; init; }

    /// <summary>
    /// x_t = a·x_0 + b·ε and target = c·x_0 + d·ε with a sample's row (a, b, c, d) of <paramref name="coefficients"/>, in one pass from
    /// bytes or numbers. (1, 0, 1, 0) gives the images themselves.
    /// </summary>
    /// <param name="coefficients">[N, 4].</param>
    /// <param name="noise">ε, like the images; drawn from the step's noise stream if null.</param>
    /// <param name="xt">Like the images.</param>
    /// <param name="target">Like the images.</param>
    public void AddNoise(Tensor coefficients, Tensor? noise, Tensor xt, Tensor target)
    {
        var stream = Random.Stream(RandomPurpose.Noise);
        if (Images is not null)
        {
            xt.Device.AddNoise(Images, coefficients, noise, stream, xt, target);
        }
        else
        {
            xt.Device.AddNoiseToPixels(Pixels!, Picks!, Left, Width, coefficients, noise, stream, xt, target);
        }
    }
}
