namespace RawDiffusion.Storage;

/// <summary>What is logged of a training step; one line of <c>metrics.jsonl</c>.</summary>
/// <param name="Step">The number of optimiser steps done.</param>
/// <param name="Loss">The loss, a mean over the batch.</param>
/// <param name="GradNorm">The gradient's global norm before clipping.</param>
/// <param name="Lr">The learning rate of the step.</param>
/// <param name="ImagesPerSecond">Training images per second since the last logged step.</param>
/// <param name="Seconds">Training time since the run began, pauses between resumptions left out.</param>
public readonly record struct StepMetrics(long Step, double Loss, double GradNorm, double Lr, double ImagesPerSecond, double Seconds)
{
    /// <summary>The losses by name where there are several, the minimised one first; null where there is but one.</summary>
    public IReadOnlyList<KeyValuePair<string, double>>? Losses { get; init; }
}
