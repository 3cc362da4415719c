using RawDiffusion.Training;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace RawDiffusion.Trainer.Terminal;

/// <summary>A few lines that are redrawn in place: progress, loss with its course, speed, memory, the moving average's age.</summary>
internal sealed class LiveDisplay : ITrainingDisplay
{
    private const double SecondsBetweenFrames = 0.2;
    // Everything fits a terminal of 80 columns.
    private const int SparklineWidth = 40;
    private const int BarWidth = 20;
    private const int NameWidth = 10;

    private readonly string _device;
    private readonly TrainingPace _pace = new();
    private readonly Lock _drawing = new();
    private readonly IAnsiConsole _console = AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(Console.Error),
        Interactive = InteractionSupport.Yes,
        ColorSystem = Talk.HasColour ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
    });

    private LiveDisplayContext? _live;
    private TrainingSession? _session;
    private StepReport? _last;
    private double _nextFrame;
    private string _picture = "none yet";
    private string _checkpoint = "none yet";

    public LiveDisplay(string device) => _device = device;

    /// <inheritdoc/>
    public bool During(Func<bool> training) => _console.Live(new Text("preparing the first step …")).Start(context =>
    {
        _live = context;
        return training();
    });

    /// <inheritdoc/>
    public void Started(TrainingSession session)
    {
        _session = session;
        Say(RunHeader.Of(session, _device));
    }

    /// <inheritdoc/>
    public void Stepped(StepReport report)
    {
        _pace.Add(report);
        _last = report;
        if (report.Seconds < _nextFrame && report.Step != report.TotalSteps)
        {
            return;
        }
        _nextFrame = report.Seconds + SecondsBetweenFrames;
        Draw(report);
    }

    /// <inheritdoc/>
    public void Saved(long step, string path)
    {
        _checkpoint = path;
        Draw(_last);
    }

    /// <inheritdoc/>
    public void Sampled(long step, string path)
    {
        _picture = path;
        Draw(_last);
    }

    /// <inheritdoc/>
    public void Noticed(string text) => Say($"note: {text}");

    private void Say(string text)
    {
        lock (_drawing)
        {
            _console.WriteLine(text);
        }
    }

    private void Draw(StepReport? report)
    {
        if (report is null)
        {
            return;
        }
        lock (_drawing)
        {
            _live?.UpdateTarget(Frame(report));
        }
    }

    private Grid Frame(StepReport report)
    {
        double share = (double)report.Step / report.TotalSteps;
        int done = (int)(share * BarWidth);
        string left = report.Step == report.TotalSteps ? $"done in {Talk.Duration(report.Seconds)}"
            : _pace.SecondsLeft is { } seconds ? $"{Talk.Duration(seconds)} left" : "";
        var grid = new Grid().AddColumn(new GridColumn { Width = NameWidth, NoWrap = true }).AddColumn(new GridColumn { NoWrap = true });
        Row("step", $"{report.Step:N0}/{report.TotalSteps:N0} [green]{new string('━', done)}[/][grey]{new string('─', BarWidth - done)}[/] {share:P0}  {left}");
        Row("loss", $"[bold]{report.Loss:0.0000}[/] {_pace.Trend}  [blue]{_pace.Sparkline(SparklineWidth)}[/]");
        Row("speed", $"{Talk.Number(report.ImagesPerSecond)} images/s  learning rate {Talk.Number(report.LearningRate)}  gradient {Talk.Number(report.GradNorm)}");
        Row("memory", $"{Talk.Bytes(report.DeviceBytes)}  moving average: {Age()}");
        Row("picture", Markup.Escape(_picture));
        Row("checkpoint", Markup.Escape(_checkpoint));
        return grid;

        void Row(string name, string markup) => grid.AddRow(new IRenderable[] { new Markup($"[grey]{name}[/]"), new Markup(markup) });
    }

    private string Age() => _session!.EmaShareOfStart is var share && share > 0.01 ? $"young, {share:P0} first weights" : "settled";
}
