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
    long Step, long TotalSteps, double Loss, double GradNorm, double LearningRate, double ImagesPerSecond, double Seconds, long DeviceBytes);

/// <summary>Watches a training session: the terminal's progress display, a test.</summary>
public interface ITrainingObserver
{
    /// <summary>The session is ready; its first step follows.</summary>
    void Started(TrainingSession session);

    /// <summary>The first step is done, or a logged one.</summary>
    void Stepped(StepReport report);

    /// <summary>A checkpoint is in place.</summary>
    void Saved(long step, string path);

    /// <summary>A grid of samples was drawn.</summary>
    void Sampled(long step, string path);

    /// <summary>Something that the user should know: a skipped step, a checkpoint that could not be written.</summary>
    void Noticed(string text);
}
