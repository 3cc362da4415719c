using System.Diagnostics;

namespace RawDiffusion.Training;

/// <summary>Gathers losses and speed between two reports; time spent on samples and checkpoints is left out of the speed.</summary>
internal sealed class ReportInterval(Stopwatch clock)
{
    private readonly List<(string Name, double Sum, long Steps)> _losses = [];
    private double _seconds, _mark = clock.Elapsed.TotalSeconds;
    private long _images;

    /// <summary>Of each loss, the mean of the values that are finite; NaN if none is.</summary>
    public IReadOnlyList<LossValue> MeanLosses => [.. _losses.Select(loss => new LossValue(loss.Name, loss.Steps == 0 ? double.NaN : loss.Sum / loss.Steps))];

    /// <summary>Images trained on per second of training.</summary>
    public double ImagesPerSecond => _seconds > 0 ? _images / _seconds : 0;

    /// <summary>Counts a step that has just ended.</summary>
    public void Add(IReadOnlyList<LossValue> losses, int images)
    {
        double now = clock.Elapsed.TotalSeconds;
        _seconds += now - _mark;
        _mark = now;
        _images += images;
        for (int i = 0; i < losses.Count; i++)
        {
            var (name, value) = losses[i];
            if (i == _losses.Count)
            {
                _losses.Add((name, 0, 0));
            }
            if (double.IsFinite(value))
            {
                _losses[i] = (name, _losses[i].Sum + value, _losses[i].Steps + 1);
            }
        }
    }

    /// <summary>Forgets the time since the last step.</summary>
    public void LeaveOut() => _mark = clock.Elapsed.TotalSeconds;

    /// <summary>Has the speed of what was counted so far not count.</summary>
    public void LeaveOutSpeed() => (_seconds, _images) = (0, 0);

    /// <summary>Starts the next interval.</summary>
    public void Restart()
    {
        _losses.Clear();
        LeaveOutSpeed();
    }
}
