namespace RawDiffusion.Training;

/// <summary>What is known after a logged step.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="TotalSteps">Steps to do in all.</param>
/// <param name="Loss">The mean loss of the steps since the last report.</param>
/// <param name="GradNorm">The last step's global gradient norm, before clipping.</param>
/// <param name="LearningRate">The last step's learning rate.</param>
/// <param name="ImagesPerSecond">Since the last report, sampling and saving left out.</param>
/// <param name="Seconds">Time spent in this run, earlier parts counted in.</param>
/// <param name="DeviceBytes">The most device memory in use at once so far.</param>
public sealed record StepReport(
    long Step, long TotalSteps, double Loss, double GradNorm, double LearningRate, double ImagesPerSecond, double Seconds, long DeviceBytes)
{
    /// <summary>The means of all the objective's losses since the last report, by name; the first is <see cref="Loss"/>.</summary>
    public IReadOnlyList<LossValue> Losses { get; init; } = [];
}
