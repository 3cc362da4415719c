using RawDiffusion.Core;
using RawDiffusion.Images;
using RawDiffusion.Storage;

namespace RawDiffusion.Training;

/// <summary>
/// Draws the charts in a run's folder: the noise schedule once, after the first step so that it delays none, and the loss curve with every
/// picture. A chart that cannot be drawn or written costs a line of text and nothing else.
/// </summary>
internal sealed class RunCharts : ITrainingObserver
{
    /// <summary>The loss curve's file name in the run folder.</summary>
    public const string LossName = "loss.png";

    /// <summary>The noise schedule's file name in the run folder.</summary>
    public const string ScheduleName = "schedule.png";

    private TrainingSession? _session;
    private bool _isDone, _isBroken;

    /// <inheritdoc/>
    public void Started(TrainingSession session) => _session = session;

    /// <inheritdoc/>
    public void Stepped(StepReport report)
    {
        if (!_isDone)
        {
            _isDone = true;
            Write(_session!, ScheduleName, () => File.Exists(Path.Combine(_session!.Folder.Path, ScheduleName)) ? null : ScheduleChart.Of(_session.Model.Process.Schedule));
        }
    }

    /// <inheritdoc/>
    public void PictureDue(TrainingSession session, CancellationToken stop) => Write(session, LossName, () =>
        MetricsLog.Read(session.Folder.MetricsPath) is { Count: > 1 } log ? LossChart.Of(log, $"loss of {Path.GetFileName(Path.GetFullPath(session.Folder.Path))}") : null);

    private void Write(TrainingSession session, string name, Func<Chart?> chart)
    {
        if (_isBroken)
        {
            return;
        }
        try
        {
            if (chart() is { } wanted)
            {
                byte[] png = PngWriter.Encode(wanted.Draw());
                AtomicFile.Write(DiskFileSystem.Instance, Path.Combine(session.Folder.Path, name), stream => stream.Write(png));
            }
        }
        catch (PlatformNotSupportedException e)
        {
            _isBroken = true;
            session.Tell(observer => observer.Noticed($"{e.Message} The run goes on without {ScheduleName} and {LossName}."));
        }
        catch (StorageException e)
        {
            session.Tell(observer => observer.Noticed(e.Message));
        }
    }
}
