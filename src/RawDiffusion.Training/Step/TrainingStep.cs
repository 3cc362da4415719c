using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;

namespace RawDiffusion.Training;

/// <summary>What a step reports.</summary>
/// <param name="Loss">The batch's weighted mean loss.</param>
/// <param name="GradNorm">The gradient's global norm before clipping; not finite where the step was skipped.</param>
public readonly record struct StepResult(double Loss, double GradNorm);

/// <summary>
/// One training step of DDPM (Ho et al. 2020, algorithm 1) with everything it needs on the device: noise the images, predict, L_simple,
/// backward, clip, Adam, EMA. What changes from step to step (which images, timesteps, their coefficients, the position of the random
/// streams, the optimizer's settings) is uploaded into tensors that stay where they are; the rest is recorded once, by a device that can,
/// and replayed.
/// </summary>
public sealed class TrainingStep : IDisposable
{
    private readonly Device _device;
    private readonly UNet _network;
    private readonly Adam _adam;
    private readonly DiffusionProcess _process;
    private readonly DiffusionConfig _diffusion;
    private readonly ulong _seed;
    private readonly Shape _batch;
    private readonly Tensor _noisy, _target, _picks, _timesteps, _coefficients, _position, _report;
    private readonly Tensor? _labels, _weights;
    private Tensor? _pixels, _images;
    private DeviceImages? _dataSet;
    private Recording? _work;

    /// <summary>A step for batches of one shape.</summary>
    /// <param name="network">The network, whose parameters have memory with gradients.</param>
    /// <param name="adam">Its optimizer.</param>
    /// <param name="diffusion">The process, the weighting and the share of labels dropped.</param>
    /// <param name="device">Where.</param>
    /// <param name="batch">[N, H, W, C].</param>
    /// <param name="seed">The run's seed.</param>
    public TrainingStep(UNet network, Adam adam, DiffusionConfig diffusion, Device device, Shape batch, ulong seed)
    {
        (_device, _network, _adam, _diffusion, _batch, _seed) = (device, network, adam, diffusion, batch, seed);
        _process = diffusion.Process();
        try
        {
            _noisy = new Tensor(device, batch, null, "x_t");
            _target = new Tensor(device, batch, null, "the network's target");
            _picks = new Tensor(device, new Shape(batch.N, 2), DType.Int32, "the batch's images in the data set");
            _timesteps = new Tensor(device, new Shape(batch.N), null, "timesteps");
            _coefficients = new Tensor(device, new Shape(batch.N, 4), null, "q_sample's coefficients");
            _position = new Tensor(device, new Shape(2), DType.Int32, "the random streams' position");
            _report = new Tensor(device, new Shape(2), null, "the step's loss and squared gradient norm");
            _labels = network.Config.ClassEmbeddings is null ? null : new Tensor(device, new Shape(batch.N), DType.Int32, "labels");
            _weights = diffusion.LossWeighting == LossWeighting.MinSnr ? new Tensor(device, new Shape(batch.N), null, "loss weights") : null;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The batch's images as bytes, [N, H, W, C].</summary>
    public void SetPixels(ReadOnlySpan<byte> pixels)
    {
        if (_pixels is null)
        {
            ChangeSource();
            _pixels = new Tensor(_device, _batch, DType.UInt8, "the batch's pixels");
            _picks.Upload([.. Enumerable.Range(0, _batch.N).SelectMany(n => (int[])[n, 0])]);
        }
        _pixels.Upload(pixels);
    }

    /// <summary>The batch's images as numbers in [−1, 1], [N, H, W, C].</summary>
    public void SetImages(ReadOnlySpan<float> images)
    {
        if (_images is null)
        {
            ChangeSource();
            _images = new Tensor(_device, _batch, null, "x_0");
        }
        _images.Upload(images);
    }

    /// <summary>The batch's images by their place in a data set that is on the device.</summary>
    /// <param name="dataSet">The images, of the network's size. The step reads them until it is given others, and does not dispose them.</param>
    /// <param name="picks">[N, 2]: an image, and whether to mirror it (1) or not (0).</param>
    public void SetImages(DeviceImages dataSet, ReadOnlySpan<int> picks)
    {
        if (_dataSet != dataSet)
        {
            ChangeSource();
            _dataSet = dataSet;
        }
        _picks.Upload(picks);
    }

    /// <summary>The batch's labels for a network with classes, each below its number of class embeddings.</summary>
    /// <exception cref="DataException">A label out of range.</exception>
    public void SetLabels(ReadOnlySpan<int> labels)
    {
        if (_labels is null)
        {
            return;
        }
        foreach (int label in labels)
        {
            if (label < 0 || label >= _network.Config.ClassEmbeddings)
            {
                throw new DataException($"The label {label} is out of range: the network has {_network.Config.ClassEmbeddings} class embeddings.");
            }
        }
        _labels.Upload(labels);
    }

    /// <summary>The timesteps that the run's seed gives for step <paramref name="step"/>.</summary>
    public void DrawTimesteps(long step, Span<int> timesteps)
    {
        int index = checked((int)step);
        if (_diffusion.TimestepSampling == TimestepSampling.Stratified)
        {
            TimestepSampler.Stratified(_seed, index, 0, timesteps.Length, _diffusion.Timesteps, timesteps);
        }
        else
        {
            TimestepSampler.Uniform(_seed, index, 0, _diffusion.Timesteps, timesteps);
        }
    }

    /// <summary>Runs the step on the batch that was set.</summary>
    /// <param name="step">The number of steps done before: the position of noise and dropout streams.</param>
    /// <param name="timesteps">[N].</param>
    /// <param name="learningRate">Adam's step size.</param>
    /// <param name="emaDecay">The moving average's decay.</param>
    /// <param name="noise">ε, [N, H, W, C]; drawn from the seed if null.</param>
    public StepResult Run(long step, ReadOnlySpan<int> timesteps, double learningRate, double emaDecay, Tensor? noise = null)
    {
        Prepare(step, timesteps);
        _adam.Prepare(learningRate, emaDecay);
        if (noise is null)
        {
            (_work ??= _device.Record(() => Work(null))).Launch();
        }
        else
        {
            Work(noise);
        }
        Span<double> report = stackalloc double[2];
        _report.Download(report);
        return new StepResult(report[0], _adam.Finish(report[1]));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ChangeSource();
        foreach (var tensor in (Tensor?[])[_noisy, _target, _picks, _timesteps, _coefficients, _position, _report, _labels, _weights])
        {
            tensor?.Dispose();
        }
    }

    /// <summary>What the device does in a step.</summary>
    private void Work(Tensor? noise)
    {
        var stream = new RandomStream(_seed, RandomPurpose.Noise, _position);
        if (_images is not null)
        {
            _device.AddNoise(_images, _coefficients, noise, stream, _noisy, _target);
        }
        else
        {
            var pixels = _pixels ?? _dataSet?.Pixels ?? throw new InvalidOperationException("a training step needs images: set them before it runs");
            _device.AddNoiseToPixels(pixels, _picks, _dataSet?.Left ?? 0, _dataSet?.Width ?? _batch[2], _coefficients, noise, stream, _noisy, _target);
        }
        _noisy.MarkWritten();
        _adam.ForgetGradients();
        using (var tape = new Tape(_device, recording: true))
        {
            var dropout = _network.Config.Dropout > 0 ? new DropoutContext(_seed, _position) : (DropoutContext?)null;
            var output = _network.Forward(tape, _noisy, _timesteps, _labels, dropout);
            var (loss, _) = tape.MeanSquaredError(output, _target, _weights);
            tape.Backward(loss);
            _report.Slice(0, new Shape(1)).CopyFrom(loss);
        }
        _adam.Apply();
        _report.Slice(1, new Shape(1)).CopyFrom(_adam.GradientSumOfSquares);
    }

    /// <summary>Forgets where images came from, and what was recorded to read them there.</summary>
    private void ChangeSource()
    {
        _work?.Dispose();
        _pixels?.Dispose();
        _images?.Dispose();
        (_work, _pixels, _images, _dataSet) = (null, null, null, null);
    }

    private void Prepare(long step, ReadOnlySpan<int> timesteps)
    {
        _position.Upload([checked((int)step), 0]);
        _timesteps.Upload(timesteps);
        Span<float> coefficients = new float[4 * timesteps.Length];
        TrainingTargets.Coefficients(_process, timesteps, coefficients);
        _coefficients.Upload<float>(coefficients);
        if (_weights is not null)
        {
            var weights = new double[timesteps.Length];
            for (int i = 0; i < weights.Length; i++)
            {
                weights[i] = LossWeights.MinSnr(_process, _diffusion.MinSnrGamma, timesteps[i]);
            }
            _weights.Upload(weights);
        }
    }
}
