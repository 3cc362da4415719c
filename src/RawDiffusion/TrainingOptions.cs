using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Training;

namespace RawDiffusion;

/// <summary>How a model is trained.</summary>
public sealed record TrainingOptions
{
    /// <summary>Steps to train.</summary>
    public long Steps { get; init; } = 2000;

    /// <summary>Images per step.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Adam, its learning rate, clipping and the moving average.</summary>
    public OptimizerConfig Optimizer { get; init; } = new() { LearningRate = 1e-3 };

    /// <summary>The seed of everything random; the same seed trains to the same bits.</summary>
    public ulong Seed { get; init; }

    /// <summary>Whether each image is mirrored left to right half of the time.</summary>
    public bool Flip { get; init; }

    /// <summary>What each timestep's error counts.</summary>
    public LossWeighting LossWeighting { get; init; }

    /// <summary>How timesteps are drawn.</summary>
    public TimestepSampling TimestepSampling { get; init; }

    /// <summary>The share of labels dropped, so that the model can be guided by class.</summary>
    public double LabelDropout { get; init; } = 0.1;

    /// <summary>What is minimised; null for L_simple (Ho et al. 2020, eq. 14).</summary>
    public ObjectiveFactory? Objective { get; init; }

    /// <summary>Steps between reports.</summary>
    public long ReportEvery { get; init; } = 10;
}
