using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>How <see cref="SimpleObjective"/> weighs and draws.</summary>
public sealed record SimpleObjectiveOptions
{
    /// <summary>What each timestep's error counts.</summary>
    public LossWeighting LossWeighting { get; init; }

    /// <summary>γ of min_snr.</summary>
    public double MinSnrGamma { get; init; } = 5;

    /// <summary>How timesteps are drawn.</summary>
    public TimestepDraw Timesteps { get; init; } = TimestepSampler.Of(TimestepSampling.Uniform);

    /// <summary>The network's class embeddings, that of "no class" counted in as the last; null for a network without classes.</summary>
    public int? ClassEmbeddings { get; init; }

    /// <summary>The share of labels that are replaced by "no class".</summary>
    public double LabelDropout { get; init; }

    /// <summary>ε itself, like the images, instead of drawing it: what the tensor holds when a step runs. It is not disposed.</summary>
    public Tensor? Noise { get; init; }

    /// <summary>The options that a configuration's section describes.</summary>
    /// <param name="diffusion">The section.</param>
    /// <param name="classEmbeddings">The network's class embeddings; null without classes.</param>
    public static SimpleObjectiveOptions Of(DiffusionConfig diffusion, int? classEmbeddings) => new()
    {
        LossWeighting = diffusion.LossWeighting,
        MinSnrGamma = diffusion.MinSnrGamma,
        Timesteps = TimestepSampler.Of(diffusion.TimestepSampling),
        ClassEmbeddings = classEmbeddings,
        LabelDropout = diffusion.LabelDropout,
    };
}
