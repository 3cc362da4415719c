using RawDiffusion.Training;

namespace RawDiffusion.Trainer.Terminal;

/// <summary>A line now and then: for log files and pipes.</summary>
/// <param name="device">The device's description.</param>
internal sealed class PlainDisplay(string device) : ITrainingDisplay
{
    private const double SecondsBetweenLines = 5;
    private readonly TrainingPace _pace = new();
    private double _nextLine;

    /// <inheritdoc/>
    public bool During(Func<bool> training) => training();

    /// <inheritdoc/>
    public void Started(TrainingSession session) => Talk.Line(RunHeader.Of(session, device));

    /// <inheritdoc/>
    public void Stepped(StepReport report)
    {
        _pace.Add(report);
        if (report.Seconds < _nextLine && report.Step != report.TotalSteps)
        {
            return;
        }
        _nextLine = report.Seconds + SecondsBetweenLines;
        string left = _pace.SecondsLeft is { } seconds && report.Step < report.TotalSteps ? $"  eta {Talk.Duration(seconds)}" : "";
        Talk.Line(
            $"step {report.Step}/{report.TotalSteps}  loss {report.Loss:0.0000} {_pace.Trend}  grad {Talk.Number(report.GradNorm)}  lr {Talk.Number(report.LearningRate)}  " +
            $"{Talk.Number(report.ImagesPerSecond)} images/s  {Talk.Bytes(report.DeviceBytes)}{left}");
    }

    /// <inheritdoc/>
    public void Saved(long step, string path) => Talk.Line($"saved {path}");

    /// <inheritdoc/>
    public void Sampled(long step, string path) => Talk.Line($"drew {path}");

    /// <inheritdoc/>
    public void Noticed(string text) => Talk.Line($"note: {text}");
}
