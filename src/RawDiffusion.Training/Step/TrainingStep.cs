using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;

namespace RawDiffusion.Training;

/// <summary>
/// One training step of any network under any objective: upload the batch, forward, backward, clip, Adam, EMA. What changes from step to step
/// is uploaded into tensors that stay where they are; the rest is recorded once, by a device that can, and replayed.
/// </summary>
public sealed class TrainingStep : IDisposable
{
    private readonly Device _device;
    private readonly Objective _objective;
    private readonly Adam _adam;
    private readonly ulong _seed;
    private readonly DeviceBatch _batch;
    private readonly Tensor _position, _report;
    private string[] _lossNames = [];
    private Recording? _work;

    /// <summary>A step for batches of one shape.</summary>
    /// <param name="objective">What is minimised; it is not disposed.</param>
    /// <param name="adam">The optimizer of the parameters that the objective's network has.</param>
    /// <param name="device">Where they live.</param>
    /// <param name="images">A batch, [N, H, W, C].</param>
    /// <param name="seed">The run's seed.</param>
    public TrainingStep(Objective objective, Adam adam, Device device, Shape images, ulong seed)
    {
        (_objective, _adam, _device, _seed, _batch) = (objective, adam, device, seed, new DeviceBatch(device, images));
        _position = new Tensor(device, new Shape(2), DType.Int32, "the random streams' position");
        try
        {
            _report = new Tensor(device, new Shape(1 + Losses.Most), null, "the step's squared gradient norm and losses").Clear();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Runs the step on a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="step">The number of steps done before.</param>
    /// <param name="learningRate">Adam's step size.</param>
    /// <param name="emaDecay">The moving average's decay.</param>
    /// <exception cref="DataException">The labels are not what the objective needs.</exception>
    public StepResult Run(FeedBatch batch, long step, double learningRate, double emaDecay)
    {
        if (_batch.Differs(batch))
        {
            _work?.Dispose();
            _work = null;
            _batch.MakeRoomFor(batch);
        }
        _batch.Upload(batch);
        Span<int> labels = batch.Labels.ToArray();
        _objective.Prepare(new StepNumbers
        {
            Seed = _seed,
            Step = step,
            Samples = batch.Count,
            FirstSample = batch.FirstSample,
            WholeBatch = batch.WholeBatch,
            Labels = labels,
        });
        _batch.UploadLabels(labels);
        _position.Upload([checked((int)step), batch.FirstSample]);
        _adam.UploadSettings(learningRate, emaDecay);
        (_work ??= _device.Record(Work)).Launch();
        Span<double> report = stackalloc double[1 + Losses.Most];
        _report.Download(report);
        var losses = new LossValue[_lossNames.Length];
        for (int i = 0; i < losses.Length; i++)
        {
            losses[i] = new LossValue(_lossNames[i], report[1 + i]);
        }
        return new StepResult(losses, _adam.Count(report[0]));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _work?.Dispose();
        _batch.Dispose();
        _position.Dispose();
        _report?.Dispose();
    }

    /// <summary>What the device does in a step.</summary>
    private void Work()
    {
        _adam.ForgetGradients();
        using (var tape = new Tape(_device, recording: true))
        {
            var losses = _objective.Forward(tape, _batch.At(new StreamPosition(_seed, _position)));
            _lossNames = new string[losses.Count];
            for (int i = 0; i < losses.Count; i++)
            {
                (_lossNames[i], var value) = losses[i];
                tape.Keep(value);
            }
            tape.Backward(losses.Minimised);
            for (int i = 0; i < losses.Count; i++)
            {
                Report(1 + i, losses[i].Value);
            }
        }
        _adam.Launch();
        Report(0, _adam.GradientSumOfSquares);
    }

    private void Report(int place, Tensor scalar) => _report.Slice(place, new Shape(1)).CopyFrom(scalar);
}
