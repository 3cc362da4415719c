using RawDiffusion.Images;
using RawDiffusion.Storage;

namespace RawDiffusion.Training;

/// <summary>Draws the picture of a run's loss over its steps.</summary>
internal sealed class LossCurve : ITrainingObserver
{
    /// <summary>The file's name in the run folder.</summary>
    public const string FileName = "loss.png";

    /// <inheritdoc/>
    public void PictureDue(TrainingSession session, CancellationToken stop)
    {
        var folder = session.Folder;
        var points = MetricsLog.Read(folder.MetricsPath).Where(m => double.IsFinite(m.Loss)).Select(m => (m.Step, m.Loss)).ToArray();
        if (points.Length > 1)
        {
            AtomicFile.Write(DiskFileSystem.Instance, Path.Combine(folder.Path, FileName), stream => stream.Write(PngWriter.Encode(LossChart.Draw(points))));
        }
    }
}
