using System.Diagnostics;

namespace RawDiffusion.Trainer.Terminal;

/// <summary>How far long work has come: a line in place on a terminal, a line every few seconds elsewhere.</summary>
/// <param name="doing">What is going on, such as "drawing".</param>
/// <param name="done">What was done in the end, such as "drawn".</param>
internal sealed class SamplingProgress(string doing = "drawing", string done = "drawn")
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly double _interval = Talk.IsLive ? 0.2 : 5;
    private double _nextLine = 1;
    private bool _isLineOpen;

    /// <summary>Takes the share that is done, 0 to 1.</summary>
    public void Report(double share)
    {
        double seconds = _clock.Elapsed.TotalSeconds;
        if (Talk.IsQuiet)
        {
            return;
        }
        if (seconds < _nextLine && share < 1)
        {
            return;
        }
        _nextLine = seconds + _interval;
        string text = share < 1 ? $"{doing}: {share:P0}, {Talk.Duration(seconds / share * (1 - share))} left" : $"{done} in {seconds:0.0} s";
        if (Talk.IsLive)
        {
            Console.Error.Write($"\r{text,-40}{(share < 1 ? "" : "\n")}");
            _isLineOpen = share < 1;
        }
        else
        {
            Talk.Line(text);
        }
    }

    /// <summary>Ends the line that drawing left off in.</summary>
    public void BreakOff()
    {
        if (_isLineOpen)
        {
            Console.Error.WriteLine();
            _isLineOpen = false;
        }
    }
}
