using RawDiffusion.Diffusion;

namespace RawDiffusion.Pipelines;

/// <summary>What to draw.</summary>
public sealed record SampleRequest
{
    /// <summary>How many images.</summary>
    public required int Count { get; init; }

    /// <summary>How, such as <c>Samplers.Ddim(steps: 50)</c>, or what <see cref="SamplingConfig.Create"/> makes of a configuration.</summary>
    public required Sampler Sampler { get; init; }

    /// <summary>The scale s of classifier-free guidance: 1 is the plain conditional model.</summary>
    public double Guidance { get; init; } = 1;

    /// <summary>The seed; image i depends on it and on i alone.</summary>
    public ulong Seed { get; init; }

    /// <summary>The class of every image; null takes the classes in turn.</summary>
    public int? Class { get; init; }

    /// <summary>The condition planes of every image in turn, [Count, H, W, P] at the network's size, for a network that takes planes.</summary>
    public ReadOnlyMemory<float> Planes { get; init; }

    /// <summary>Images drawn at a time: a matter of memory and speed, not of the result.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>How many moments of the way from noise to image to keep, for the film strip; 0 for none.</summary>
    public int TrajectoryFrames { get; init; }

    /// <summary>The classes of a batch.</summary>
    /// <param name="classes">How many classes the model has, at least 1.</param>
    /// <param name="first">The batch's first image.</param>
    /// <param name="count">Images of the batch.</param>
    public int[] Labels(int classes, int first, int count) => [.. Enumerable.Range(first, count).Select(i => Class ?? i % classes)];
}
