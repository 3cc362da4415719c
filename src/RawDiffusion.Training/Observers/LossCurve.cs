using RawDiffusion.Images;
using RawDiffusion.Storage;

namespace RawDiffusion.Training;

/// <summary>The picture of a run's loss over its steps.</summary>
internal static class LossCurve
{
    /// <summary>The file's name in the run folder.</summary>
    public const string FileName = "loss.png";

    /// <summary>Draws the curve from everything the run has logged.</summary>
    public static void Write(RunFolder folder)
    {
        var points = MetricsLog.Read(folder.MetricsPath).Where(m => double.IsFinite(m.Loss)).Select(m => (m.Step, m.Loss)).ToArray();
        if (points.Length > 1)
        {
            AtomicFile.Write(DiskFileSystem.Instance, Path.Combine(folder.Path, FileName), stream => stream.Write(PngWriter.Encode(LossChart.Draw(points))));
        }
    }
}
