using RawDiffusion.Training;

namespace RawDiffusion.Trainer.Terminal;

/// <summary>How fast a session goes, and how its loss moves.</summary>
internal sealed class TrainingPace
{
    private const int Remembered = 600;
    private readonly List<double> _losses = [];
    private StepReport? _first;
    private StepReport? _last;

    /// <summary>Takes a report in.</summary>
    public void Add(StepReport report)
    {
        _first ??= report;
        _last = report;
        if (double.IsFinite(report.Loss))
        {
            _losses.Add(report.Loss);
        }
        if (_losses.Count > Remembered)
        {
            _losses.RemoveAt(0);
        }
    }

    /// <summary>Seconds until the last step at the session's pace so far, or null while nothing can be said.</summary>
    public double? SecondsLeft => _last is null || _last.Step == _first!.Step
        ? null
        : (_last.Seconds - _first.Seconds) / (_last.Step - _first.Step) * (_last.TotalSteps - _last.Step);

    /// <summary>How the later half of the remembered losses compares to the earlier half: ↘, → or ↗.</summary>
    public string Trend
    {
        get
        {
            if (_losses.Count < 4)
            {
                return " ";
            }
            double earlier = _losses.Take(_losses.Count / 2).Average(), later = _losses.Skip(_losses.Count / 2).Average();
            return later < 0.98 * earlier ? "↘" : later > 1.02 * earlier ? "↗" : "→";
        }
    }

    /// <summary>The remembered losses as a line of blocks, each the mean of a stretch; high blocks are high losses, on a logarithmic scale.</summary>
    public string Sparkline(int width)
    {
        if (_losses.Count < 2)
        {
            return "";
        }
        int points = Math.Min(width, _losses.Count);
        double[] logs = Enumerable.Range(0, points)
            .Select(i => Math.Log(Math.Max(1e-12, _losses[(i * _losses.Count / points)..((i + 1) * _losses.Count / points)].Average())))
            .ToArray();
        double low = logs.Min(), range = Math.Max(1e-9, logs.Max() - low);
        return string.Concat(logs.Select(log => "▁▂▃▄▅▆▇█"[(int)Math.Min(7, (log - low) / range * 8)]));
    }
}
