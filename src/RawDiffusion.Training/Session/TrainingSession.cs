using System.Diagnostics;
using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Data;
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
    private readonly IDataset _data;
    private readonly ITrainingObserver _observer;
    private readonly Device _device;
    private readonly Adam _adam;
    private readonly TrainingStep _step;
    private readonly BatchFeed _feed;
    private readonly MetricsLog _metrics;
    private readonly SampleGrids _grids;
    private readonly EmaDecay _emaDecay;
    private readonly Stopwatch _clock = new();
    private double _secondsBefore;
    private int _badSteps;
    private bool _saveFailed;
    private long _savedStep = -1;

    private TrainingSession(TrainingPlan plan, Device device, IDataset data, RunFolder folder, ITrainingObserver observer, Checkpoint? checkpoint)
    {
        (Config, Network, _device, _data, Folder, _observer) = (plan.Config, plan.Network, device, data, folder, observer);
        var unet = new UNet(plan.Network);
        Parameters = new ParameterSet(unet.Parameters, device, training: true);
        _adam = new Adam(Parameters, Config.Optimizer.Adam());
        _emaDecay = new EmaDecay(Config.Optimizer.EmaDecay, Config.Optimizer.EmaWarmUp);
        long cursor = 0;
        if (checkpoint is not null)
        {
            cursor = Restore(checkpoint);
        }
        else
        {
            Parameters.Initialize(Config.Seed);
            if (Config.StartFrom is { } start)
            {
                ParameterFiles.Load(start, Parameters);
                Parameters.Ema!.CopyFrom(Parameters.Values);
            }
        }
        var batch = new Shape(Config.Batch, plan.Network.Height, plan.Network.Width, plan.Network.InChannels);
        _step = new TrainingStep(unet, _adam, Config.Diffusion, device, batch, Config.Seed);
        _feed = BatchFeed.Open(data, device, new BatchLoaderOptions
        {
            BatchSize = Config.Batch,
            Seed = Config.Seed,
            Flip = Config.Data.Flip,
            PaddedHeight = plan.Network.Height,
            PaddedWidth = plan.Network.Width,
            Cursor = cursor,
        });
        _metrics = MetricsLog.Open(folder.MetricsPath, Step);
        _grids = new SampleGrids(new GenerativeModel(unet, device, Config.Diffusion.Process(), data.Height, data.Width)
        {
            Rows = ClassRows.Trained(plan.Network.ClassEmbeddings, Config.Diffusion.LabelDropout),
        }, Config, folder);
    }

    /// <summary>The run's folder.</summary>
    public RunFolder Folder { get; }

    /// <summary>The resolved configuration.</summary>
    public RunConfig Config { get; }

    /// <summary>The network's configuration.</summary>
    public UNetConfig Network { get; }

    /// <summary>The network's weights, gradients, moments and moving average.</summary>
    public ParameterSet Parameters { get; }

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
    /// <param name="observer">Watches.</param>
    public static TrainingSession Start(TrainingPlan plan, Device device, IDataset data, RunFolder folder, ITrainingObserver observer)
    {
        var session = new TrainingSession(plan, device, data, folder, observer, null);
        folder.WriteConfig(RunConfigJson.ToJson(plan.Config));
        return session;
    }

    /// <summary>Goes on with a run from its newest intact checkpoint.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="device">Where to train.</param>
    /// <param name="data">The same images as before.</param>
    /// <param name="observer">Watches.</param>
    /// <param name="steps">A new total of steps; null takes that of <c>config.json</c>.</param>
    /// <exception cref="StorageException">There is no intact checkpoint.</exception>
    /// <exception cref="ConfigurationException">Data or configuration are not what the run was trained with, or the total is below what is done.</exception>
    public static TrainingSession Resume(RunFolder folder, Device device, IDataset data, ITrainingObserver observer, long? steps = null)
    {
        using var checkpoint = folder.Checkpoints.FindNewest()
            ?? throw new StorageException($"{folder.Path} has no intact checkpoint to resume from. Start a new run with train.");
        var network = ModelDescription.Of(checkpoint).Network;
        var trained = RunConfigJson.FromJson((JsonObject)checkpoint.State["config"]!, Path.Combine(checkpoint.Path, "state.json"));
        DatasetChange.Refuse(trained.Dataset!, data);
        var config = ResumedConfig.Of(trained, folder, steps, checkpoint.Step);
        var session = new TrainingSession(new TrainingPlan(config, network), device, data, folder, observer, checkpoint);
        folder.WriteConfig(RunConfigJson.ToJson(config));
        return session;
    }

    /// <summary>Trains until all steps are done or <paramref name="stop"/> asks to end; either way the last step is saved.</summary>
    /// <returns>Whether all steps are done.</returns>
    /// <exception cref="DivergedException">Too many steps in a row brought a gradient that is not finite; the last good state is saved.</exception>
    /// <exception cref="StorageException">All is trained, but the last checkpoint could not be written.</exception>
    public bool Run(CancellationToken stop)
    {
        _clock.Start();
        _observer.Started(this);
        var interval = new ReportInterval(_clock);
        while (Step < Config.Steps && !stop.IsCancellationRequested)
        {
            var result = RunStep();
            interval.Add(result.Loss, Config.Batch);
            if (Step == 1 || Step % Config.LogEvery == 0 || Step == Config.Steps)
            {
                Report(interval, result);
            }
            if (Config.SampleEvery > 0 && Step % Config.SampleEvery == 0 && Step < Config.Steps)
            {
                Sample(stop);
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
            throw new StorageException($"The state of step {Step} could not be saved: see the messages above. Earlier checkpoints in {Folder.Checkpoints.Path} are intact; make room and resume from them.");
        }
        if (Step < Config.Steps)
        {
            return false;
        }
        Sample(stop);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _metrics.Dispose();
        _step.Dispose();
        _feed.Dispose();
        _adam.Dispose();
        Parameters.Dispose();
    }

    private StepResult RunStep()
    {
        int[] labels = _feed.Next(_step), timesteps = new int[labels.Length];
        _step.DrawTimesteps(Step, timesteps);
        if (Network.ClassEmbeddings is { } embeddings)
        {
            LabelDropout.Apply(labels, embeddings - 1, Config.Diffusion.LabelDropout, Config.Seed, Step);
            _step.SetLabels(labels);
        }
        var result = _step.Run(Step, timesteps, LearningRate(Step), _emaDecay.At(_adam.Step + 1));
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

    private double LearningRate(long step) => Config.Optimizer.LearningRate * Math.Min(1, (step + 1.0) / Math.Max(1, Config.Optimizer.WarmUp));

    private void SkipBadStep(StepResult result)
    {
        _badSteps++;
        _observer.Noticed($"step {Step + 1}: the loss is {result.Loss} and the gradient's norm {result.GradNorm}; the update was skipped ({_badSteps} in a row)");
        if (_badSteps >= Config.Optimizer.MaxBadSteps)
        {
            Save();
            throw new DivergedException(
                $"{_badSteps} steps in a row up to step {Step + 1} brought a gradient that is not finite. The weights of the last good step are saved in {Folder.Checkpoints.Path}. " +
                "Start again with a lower --lr, or resume from an earlier checkpoint.");
        }
    }

    private void Report(ReportInterval interval, StepResult last)
    {
        var report = new StepReport(Step, Config.Steps, interval.MeanLoss, last.GradNorm, LearningRate(Step - 1), interval.ImagesPerSecond, Seconds, _device.Memory.PeakBytes);
        _metrics.Append(new StepMetrics(report.Step, report.Loss, report.GradNorm, report.LearningRate, report.ImagesPerSecond, report.Seconds));
        interval.Restart();
        _observer.Stepped(report);
    }

    private void Sample(CancellationToken stop)
    {
        try
        {
            using (Parameters.UseEma())
            {
                _grids.Draw(Step, stop);
            }
            LossCurve.Write(Folder);
            _observer.Sampled(Step, Folder.SamplePath(Step));
        }
        catch (OperationCanceledException)
        {
            // Stopping matters more than this picture; the checkpoint that follows loses nothing.
        }
        catch (StorageException e)
        {
            _observer.Noticed(e.Message);
        }
    }

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
            _observer.Saved(Step, path);
        }
        catch (StorageException e)
        {
            // A full disk costs this checkpoint, not the training that is still going on.
            _saveFailed = true;
            _observer.Noticed($"{e.Message} Training goes on; the next checkpoint is tried at step {(Step / Config.SaveEvery + 1) * Config.SaveEvery}.");
        }
    }

    private CheckpointContents Contents()
    {
        var state = new JsonObject { ["config"] = RunConfigJson.ToJson(Config) };
        foreach (var (key, value) in ModelDescription.Describe(Network))
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
