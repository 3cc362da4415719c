using System.Diagnostics;

namespace RawDiffusion.Training;

/// <summary>Gathers loss and speed between two reports; time spent on samples and checkpoints is left out of the speed.</summary>
internal sealed class ReportInterval(Stopwatch clock)
{
    private double _lossSum, _seconds, _mark = clock.Elapsed.TotalSeconds;
    private long _steps, _images;

    /// <summary>The mean of the losses that are finite; NaN if none is.</summary>
    public double MeanLoss => _steps == 0 ? double.NaN : _lossSum / _steps;

    /// <summary>Images trained on per second of training.</summary>
    public double ImagesPerSecond => _seconds > 0 ? _images / _seconds : 0;

    /// <summary>Counts a step that has just ended.</summary>
    public void Add(double loss, int images)
    {
        double now = clock.Elapsed.TotalSeconds;
        _seconds += now - _mark;
        _mark = now;
        _images += images;
        if (double.IsFinite(loss))
        {
            _lossSum += loss;
            _steps++;
        }
    }

    /// <summary>Forgets the time since the last step.</summary>
    public void LeaveOut() => _mark = clock.Elapsed.TotalSeconds;

    /// <summary>Starts the next interval.</summary>
    public void Restart() => (_lossSum, _seconds, _steps, _images) = (0, 0, 0, 0);
}
