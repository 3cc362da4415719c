using RawDiffusion.Core;
using RawDiffusion.Storage;

namespace RawDiffusion.Training;

/// <summary>Writes what is logged into the run's <c>metrics.jsonl</c>. A log that cannot be written ends the run.</summary>
internal sealed class MetricsRecorder : ITrainingObserver, IDisposable
{
    private readonly MetricsLog _log;

    /// <summary>Opens the log.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="step">Steps done; what was logged of later ones is dropped.</param>
    /// <exception cref="StorageException">The file cannot be read or written.</exception>
    public MetricsRecorder(RunFolder folder, long step) => _log = MetricsLog.Open(folder.MetricsPath, step);

    /// <inheritdoc/>
    public void Stepped(StepReport report) => _log.Append(
        new StepMetrics(report.Step, report.Loss, report.GradNorm, report.LearningRate, report.ImagesPerSecond, report.Seconds)
        {
            Losses = report.Losses.Count > 1 ? [.. report.Losses.Select(loss => KeyValuePair.Create(loss.Name, loss.Value))] : null,
        });

    /// <inheritdoc/>
    public void Dispose() => _log.Dispose();
}
