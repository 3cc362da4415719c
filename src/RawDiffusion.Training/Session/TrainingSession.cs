using System.Diagnostics;
using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;
using RawDiffusion.Storage;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Training;

/// <summary>
/// A training run in its folder: steps, checkpoints, sample grids and the log. Everything that the next step depends on is in a checkpoint,
/// so that a resumed run goes on to the same bits.
/// </summary>
public sealed class TrainingSession : IDisposable
{
    private readonly Device _device;
    private readonly Adam _adam;
    private readonly Objective _objective;
    private readonly TrainingStep _step;
    private readonly BatchFeed _feed;
    private readonly MetricsRecorder _metrics;
    private readonly IReadOnlyList<ITrainingObserver> _observers;
    private readonly EmaDecay _emaDecay;
    private readonly Stopwatch _clock = new();
    private double _secondsBefore;
    private int _badSteps;
    private bool _saveFailed;
    private long _savedStep = -1;

    private TrainingSession(
        TrainingPlan plan, Device device, IDataset data, RunFolder folder, IEnumerable<ITrainingObserver> observers, ObjectiveFactory? objective, Checkpoint? checkpoint)
    {
        (Config, Network, _device, Folder) = (plan.Config, plan.Network, device, folder);
        _emaDecay = new EmaDecay(Config.Optimizer.EmaDecay, Config.Optimizer.EmaWarmUp);
        var unet = new UNet(plan.Network);
        Model = new GenerativeModel(unet, device, Config.Diffusion.Process(), data.Height, data.Width)
        {
            Channels = data.Channels,
            Rows = ClassRows.Trained(plan.Network.ClassEmbeddings, Config.Diffusion.LabelDropout),
        };
        Parameters = new ParameterSet(unet.Parameters, device, training: true);
        try
        {
            _adam = new Adam(Parameters, Config.Optimizer.Adam());
            long cursor = Begin(checkpoint);
            var images = new Shape(Config.Batch, plan.Network.Height, plan.Network.Width, data.Channels);
            _objective = (objective ?? Objectives.Simple)(unet, Config.Diffusion, device, images);
            _step = new TrainingStep(_objective, _adam, device, images, Config.Seed);
            _feed = BatchFeed.Open(data, device, new BatchLoaderOptions
            {
                BatchSize = Config.Batch,
                Seed = Config.Seed,
                Flip = Config.Data.Flip,
                PaddedHeight = plan.Network.Height,
                PaddedWidth = plan.Network.Width,
                Cursor = cursor,
            });
            _metrics = new MetricsRecorder(folder, Step);
            _observers = [_metrics, new RunCharts(), new SampleGrids(), .. observers];
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The run's folder.</summary>
    public RunFolder Folder { get; }

    /// <summary>The resolved configuration.</summary>
    public RunConfig Config { get; }

    /// <summary>The network's configuration.</summary>
    public UNetConfig Network { get; }

    /// <summary>The network's weights, gradients, moments and moving average.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>The network with its process, which draws with the weights that are bound: see <see cref="ParameterSet.UseEma"/>.</summary>
    public GenerativeModel Model { get; }

    /// <summary>Steps done.</summary>
    public long Step { get; private set; }

    /// <summary>Time spent training in this and earlier sessions of the run.</summary>
    public double Seconds => _secondsBefore + _clock.Elapsed.TotalSeconds;

    /// <summary>The share of the starting weights that the moving average still holds: near 1, its samples are noise.</summary>
    public double EmaShareOfStart => _emaDecay.ShareOfStart(_adam.Step);

    /// <summary>Starts a new run.</summary>
    /// <param name="plan">The checked configuration.</param>
    /// <param name="device">Where to train.</param>
    /// <param name="data">The images.</param>
    /// <param name="folder">An empty run folder; <c>config.json</c> is written into it.</param>
    /// <param name="observers">Watch, besides those that keep the run's folder.</param>
    /// <param name="objective">What to minimise; <see cref="Objectives.Simple"/> if null.</param>
    public static TrainingSession Start(
        TrainingPlan plan, Device device, IDataset data, RunFolder folder, IEnumerable<ITrainingObserver> observers, ObjectiveFactory? objective = null) =>
        Ready(new TrainingSession(plan, device, data, folder, observers, objective, null));

    /// <summary>Goes on with a run from its newest intact checkpoint.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="device">Where to train.</param>
    /// <param name="data">The same images as before.</param>
    /// <param name="observers">Watch, besides those that keep the run's folder.</param>
    /// <param name="objective">What the run was started with.</param>
    /// <param name="steps">A new total of steps; null takes that of <c>config.json</c>.</param>
    /// <exception cref="StorageException">There is no intact checkpoint.</exception>
    /// <exception cref="ConfigurationException">Data or configuration are not what the run was trained with, or the total is below what is done.</exception>
    public static TrainingSession Resume(RunFolder folder, Device device, IDataset data, IEnumerable<ITrainingObserver> observers, long? steps = null,
        ObjectiveFactory? objective = null)
    {
        using var checkpoint = folder.Checkpoints.FindNewest()
            ?? throw new StorageException($"{folder.Path} has no intact checkpoint to resume from. Start a new run in another folder, or remove this one first.");
        var network = ModelDescription.Of(checkpoint).Network;
        var trained = RunConfigJson.FromJson((JsonObject)checkpoint.State["config"]!, Path.Combine(checkpoint.Path, "state.json"));
        DatasetChange.Refuse(trained.Dataset!, data);
        var config = ResumedConfig.Of(trained, folder, steps, checkpoint.Step);
        return Ready(new TrainingSession(new TrainingPlan(config, network), device, data, folder, observers, objective, checkpoint));
    }

    /// <summary>Trains until all steps are done or <paramref name="stop"/> asks to end; either way the last step is saved.</summary>
    /// <returns>Whether all steps are done.</returns>
    /// <exception cref="DivergedException">Too many steps in a row brought a gradient that is not finite; the last good state is saved.</exception>
    /// <exception cref="StorageException">All is trained, but the last checkpoint could not be written.</exception>
    public bool Run(CancellationToken stop)
    {
        _clock.Start();
        Tell(observer => observer.Started(this));
        var interval = new ReportInterval(_clock);
        long begin = Step;
        while (Step < Config.Steps && !stop.IsCancellationRequested)
        {
            var result = RunStep();
            interval.Add(result.Losses, Config.Batch);
            if (begin > 0 && Step == begin + 1 && !IsReported())
            {
                // A resumed run's first step prepares much that the others find done, and would be averaged in.
                interval.LeaveOutSpeed();
            }
            if (IsReported())
            {
                Report(interval, result);
            }
            if (Config.SampleEvery > 0 && Step % Config.SampleEvery == 0 && Step < Config.Steps)
            {
                Draw(stop);
            }
            if (Step % Config.SaveEvery == 0 && Step < Config.Steps)
            {
                Save();
            }
            interval.LeaveOut();
        }
        Save();
        if (_saveFailed)
        {
            throw new StorageException($"The state of step {Step} could not be saved: see the messages above. " + (Folder.Checkpoints.Steps() is [.., var newest]
                ? $"The checkpoint of step {newest} in {Folder.Checkpoints.Path} is there; make room and resume from it."
                : $"There is no earlier checkpoint in {Folder.Checkpoints.Path}: this run cannot be resumed. Make room, and start it again in another folder."));
        }
        if (Step < Config.Steps)
        {
            return false;
        }
        Draw(stop);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _metrics?.Dispose();
        _step?.Dispose();
        _objective?.Dispose();
        _feed?.Dispose();
        _adam?.Dispose();
        Parameters.Dispose();
    }

    /// <summary>Has every observer hear of something, one after another.</summary>
    internal void Tell(Action<ITrainingObserver> what)
    {
        foreach (var observer in _observers)
        {
            what(observer);
        }
    }

    /// <summary>A session whose configuration is in its folder.</summary>
    private static TrainingSession Ready(TrainingSession session)
    {
        try
        {
            session.Folder.WriteConfig(RunConfigJson.ToJson(session.Config));
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Fills the parameters from a checkpoint, another model or the seed, and returns the data's cursor.</summary>
    private long Begin(Checkpoint? checkpoint)
    {
        if (checkpoint is not null)
        {
            return Restore(checkpoint);
        }
        Parameters.Initialize(Config.Seed);
        if (Config.StartFrom is { } start)
        {
            ParameterFiles.Load(start, Parameters);
            Parameters.Ema!.CopyFrom(Parameters.Values);
        }
        return 0;
    }

    private StepResult RunStep()
    {
        var result = _step.Run(_feed.Next(), Step, Config.Optimizer.RateAt(Step), _emaDecay.At(_adam.Step + 1));
        if (double.IsFinite(result.GradNorm))
        {
            _badSteps = 0;
        }
        else
        {
            SkipBadStep(result);
        }
        Step++;
        return result;
    }

    private void SkipBadStep(StepResult result)
    {
        _badSteps++;
        Notice($"step {Step + 1}: the loss is {result.Loss} and the gradient's norm {result.GradNorm}; the update was skipped ({_badSteps} in a row)");
        if (_badSteps >= Config.Optimizer.MaxBadSteps)
        {
            Save();
            throw new DivergedException(
                $"{_badSteps} steps in a row up to step {Step + 1} brought a gradient that is not finite. The weights of the last good step are saved in " +
                $"{Folder.Checkpoints.Path}. " +
                "Start again with a lower learning rate, or resume from an earlier checkpoint.");
        }
    }

    private bool IsReported() => Step == 1 || Step % Config.LogEvery == 0 || Step == Config.Steps;

    private void Report(ReportInterval interval, StepResult last)
    {
        var losses = interval.MeanLosses;
        var report = new StepReport(Step, Config.Steps, losses[0].Value, last.GradNorm, Config.Optimizer.RateAt(Step - 1), interval.ImagesPerSecond, Seconds,
            _device.Memory.PeakBytes)
        { Losses = losses };
        interval.Restart();
        Tell(observer => observer.Stepped(report));
    }

    /// <summary>Has every observer draw what it draws. A picture that cannot be written costs no other.</summary>
    private void Draw(CancellationToken stop) => Tell(observer =>
    {
        try
        {
            observer.PictureDue(this, stop);
        }
        catch (OperationCanceledException)
        {
            // Stopping matters more than this picture; the checkpoint that follows loses nothing.
        }
        catch (StorageException e)
        {
            Notice(e.Message);
        }
    });

    private void Notice(string text) => Tell(observer => observer.Noticed(text));

    private void Save()
    {
        // A folder of this step's name is no proof: it may be the damaged one that a resume fell back from.
        if (_savedStep == Step)
        {
            return;
        }
        try
        {
            string path = Folder.Checkpoints.Save(Contents(), new CheckpointRetention(Config.KeepCheckpoints));
            (_saveFailed, _savedStep) = (false, Step);
            Tell(observer => observer.Saved(Step, path));
        }
        catch (StorageException e)
        {
            // A full disk costs this checkpoint, not the training that is still going on.
            _saveFailed = true;
            Notice(e.Message + (Step < Config.Steps
                ? $" Training goes on; the next checkpoint is tried at step {Math.Min(Config.Steps, (Step / Config.SaveEvery + 1) * Config.SaveEvery)}."
                : ""));
        }
    }

    private CheckpointContents Contents()
    {
        var state = new JsonObject { ["config"] = RunConfigJson.ToJson(Config) };
        foreach (var (key, value) in ModelDescription.Describe(Network, Model.Channels))
        {
            state[key] = value?.DeepClone();
        }
        state["adam_step"] = _adam.Step;
        state["cursor"] = _feed.Cursor;
        state["bad_steps"] = _badSteps;
        state["seconds"] = Seconds;
        return new CheckpointContents(Step,
        [
            new TensorFile("weights.safetensors", [.. ParameterFiles.Sources(Parameters, Parameters.Values)]),
            new TensorFile("ema.safetensors", [.. ParameterFiles.Sources(Parameters, Parameters.Ema!)]),
            new TensorFile("optimizer.safetensors",
            [
                .. ParameterFiles.Sources(Parameters, Parameters.FirstMoment!, "m."),
                .. ParameterFiles.Sources(Parameters, Parameters.SecondMoment!, "v."),
            ]),
        ], state);
    }

    /// <summary>Takes everything over from a checkpoint, and returns the data's cursor.</summary>
    private long Restore(Checkpoint checkpoint)
    {
        ParameterFiles.Load(checkpoint, "weights.safetensors", Parameters, Parameters.Values);
        ParameterFiles.Load(checkpoint, "ema.safetensors", Parameters, Parameters.Ema!);
        ParameterFiles.Load(checkpoint, "optimizer.safetensors", Parameters, Parameters.FirstMoment!, "m.");
        ParameterFiles.Load(checkpoint, "optimizer.safetensors", Parameters, Parameters.SecondMoment!, "v.");
        T Read<T>(string key) => checkpoint.State[key] is { } node
            ? node.GetValue<T>()
            : throw new StorageException($"The state.json of {checkpoint.Path} lacks '{key}'. It was not written by this program; resume from another checkpoint.");
        Step = _savedStep = checkpoint.Step;
        _adam.Step = Read<long>("adam_step");
        _badSteps = Read<int>("bad_steps");
        _secondsBefore = Read<double>("seconds");
        return Read<long>("cursor");
    }
}
