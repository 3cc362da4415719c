using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Training.Loop;

/// <summary>What a step reports.</summary>
/// <param name="Loss">The batch's weighted mean loss.</param>
/// <param name="GradNorm">The gradient's global norm before clipping; not finite where the step was skipped.</param>
public readonly record struct StepResult(double Loss, double GradNorm);

/// <summary>
/// One training step of DDPM (Ho et al. 2020, algorithm 1) with everything it needs on the device: noise the images, predict, L_simple,
/// backward, clip, Adam, EMA. What changes from step to step (timesteps, their coefficients, the position of the random streams) is
/// uploaded into tensors that stay where they are.
/// </summary>
public sealed class TrainingStep : IDisposable
{
    private readonly Device _device;
    private readonly UNet _network;
    private readonly Adam _adam;
    private readonly DiffusionProcess _process;
    private readonly DiffusionConfig _diffusion;
    private readonly ulong _seed;
    private readonly Tensor _pixels, _images, _noisy, _target, _timesteps, _coefficients, _position;
    private readonly Tensor? _labels, _weights;

    /// <summary>A step for batches of one shape.</summary>
    /// <param name="network">The network, whose parameters have memory with gradients.</param>
    /// <param name="adam">Its optimizer.</param>
    /// <param name="diffusion">The process, the weighting and the share of labels dropped.</param>
    /// <param name="device">Where.</param>
    /// <param name="batch">[N, H, W, C].</param>
    /// <param name="seed">The run's seed.</param>
    public TrainingStep(UNet network, Adam adam, DiffusionConfig diffusion, Device device, Shape batch, ulong seed)
    {
        (_device, _network, _adam, _diffusion, _seed) = (device, network, adam, diffusion, seed);
        _process = DiffusionProcess.From(diffusion);
        _pixels = new Tensor(device, batch, DType.UInt8, "the batch's pixels");
        _images = new Tensor(device, batch, null, "x_0");
        _noisy = new Tensor(device, batch, null, "x_t");
        _target = new Tensor(device, batch, null, "the network's target");
        _timesteps = new Tensor(device, new Shape(batch.N), null, "timesteps");
        _coefficients = new Tensor(device, new Shape(batch.N, 4), null, "q_sample's coefficients");
        _position = new Tensor(device, new Shape(2), DType.Int32, "the random streams' position");
        _labels = network.Config.ClassEmbeddings is null ? null : new Tensor(device, new Shape(batch.N), DType.Int32, "labels");
        _weights = diffusion.LossWeighting == "min_snr" ? new Tensor(device, new Shape(batch.N), null, "loss weights") : null;
    }

    /// <summary>The batch's images as bytes, [N, H, W, C].</summary>
    public void SetPixels(ReadOnlySpan<byte> pixels) => _device.PixelsToReal(_pixels.Upload(pixels), _images);

    /// <summary>The batch's images as numbers in [−1, 1], [N, H, W, C].</summary>
    public void SetImages(ReadOnlySpan<float> images) => _images.Upload(images);

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
        if (_diffusion.TimestepSampling == "stratified")
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
        Prepare(step, timesteps, noise);
        double loss;
        using (var tape = new Tape(_device, recording: true))
        {
            var dropout = _network.Config.Dropout > 0 ? new DropoutContext(_seed, _position) : (DropoutContext?)null;
            var output = _network.Forward(tape, _noisy, _timesteps, _labels, dropout);
            var (total, _) = tape.MeanSquaredError(output, _target, _weights);
            tape.Backward(total);
            loss = total.ToArray<double>()[0];
        }
        return new StepResult(loss, _adam.Update(learningRate, emaDecay));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in (Tensor?[])[_pixels, _images, _noisy, _target, _timesteps, _coefficients, _position, _labels, _weights])
        {
            tensor?.Dispose();
        }
    }

    private void Prepare(long step, ReadOnlySpan<int> timesteps, Tensor? noise)
    {
        _position.Upload([checked((int)step), 0]);
        _timesteps.Upload(timesteps);
        Span<float> coefficients = new float[4 * timesteps.Length];
        TrainingTargets.Coefficients(_process.Schedule, _process.Prediction, timesteps, coefficients);
        _coefficients.Upload<float>(coefficients);
        if (_weights is not null)
        {
            var weights = new double[timesteps.Length];
            for (int i = 0; i < weights.Length; i++)
            {
                weights[i] = LossWeighting.MinSnr(_process.Schedule, _process.Prediction, _diffusion.MinSnrGamma, timesteps[i]);
            }
            _weights.Upload(weights);
        }
        _device.AddNoise(_images, _coefficients, noise, new RandomStream(_seed, RandomPurpose.Noise, _position), _noisy, _target);
    }
}
