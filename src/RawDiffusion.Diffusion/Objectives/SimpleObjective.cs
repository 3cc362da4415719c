using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// L_simple of Ho et al. 2020 (algorithm 1, eq. 14): noise the images to a random timestep each, and minimise the weighted squared error of
/// what the network predicts.
/// </summary>
public sealed class SimpleObjective : Objective
{
    private readonly NetworkForward _network;
    private readonly DiffusionProcess _process;
    private readonly SimpleObjectiveOptions _options;
    private readonly Tensor _noisy, _target, _timesteps, _coefficients;
    private readonly Tensor? _weights;

    /// <summary>The objective for batches of one shape.</summary>
    /// <param name="network">Answers in the shape of its x; <see cref="ConditionedNetwork.Predict"/> of one that does not.</param>
    /// <param name="process">The forward process, and what the network predicts of it.</param>
    /// <param name="device">Where.</param>
    /// <param name="images">A batch, [N, H, W, C].</param>
    /// <param name="options">Weights and draws; L_simple with uniform timesteps if null.</param>
    /// <exception cref="DeviceException">The device has no memory for two batches.</exception>
    public SimpleObjective(NetworkForward network, DiffusionProcess process, Device device, Shape images, SimpleObjectiveOptions? options = null)
    {
        (_network, _process, _options) = (network, process, options ?? new());
        try
        {
            _noisy = new Tensor(device, images, null, "x_t");
            _target = new Tensor(device, images, null, "the network's target");
            _timesteps = new Tensor(device, new Shape(images.N), null, "timesteps");
            _coefficients = new Tensor(device, new Shape(images.N, 4), null, "q_sample's coefficients");
            _weights = _options.LossWeighting == LossWeighting.MinSnr ? new Tensor(device, new Shape(images.N), null, "loss weights") : null;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Prepare(in StepNumbers step)
    {
        if (_options.ClassEmbeddings is { } embeddings)
        {
            LabelDropout.Apply(step.Labels, embeddings - 1, _options.LabelDropout, step.Seed, step.Step, step.FirstSample);
            CheckLabels(step, embeddings);
        }
        Span<int> timesteps = new int[step.Samples];
        _options.Timesteps(step, _process.Schedule.Steps, timesteps);
        _timesteps.Upload(timesteps);
        Span<float> coefficients = new float[4 * timesteps.Length];
        TrainingTargets.Coefficients(_process, timesteps, coefficients);
        _coefficients.Upload<float>(coefficients);
        if (_weights is not null)
        {
            double[] weights = new double[timesteps.Length];
            for (int i = 0; i < weights.Length; i++)
            {
                weights[i] = LossWeights.MinSnr(_process, _options.MinSnrGamma, timesteps[i]);
            }
            _weights.Upload(weights);
        }
    }

    /// <inheritdoc/>
    public override Losses Forward(Tape tape, in TrainingBatch batch)
    {
        batch.AddNoise(_coefficients, _options.Noise, _noisy, _target);
        var condition = new Condition(_options.ClassEmbeddings is null ? null : batch.Labels, batch.Planes);
        var output = _network(tape, new NetworkInput(_noisy, _timesteps, condition, batch.Random));
        return new Losses(("simple", tape.MeanSquaredError(output, _target, _weights).Loss));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var tensor in (Tensor?[])[_noisy, _target, _timesteps, _coefficients, _weights])
        {
            tensor?.Dispose();
        }
        base.Dispose();
    }

    private static void CheckLabels(in StepNumbers step, int embeddings)
    {
        if (step.Labels.Length != step.Samples)
        {
            throw new DataException($"The network has {embeddings} class embeddings, but the batch of {step.Samples} images has {step.Labels.Length} labels. Train it " +
                "on data with labels.");
        }
        foreach (int label in step.Labels)
        {
            if (label < 0 || label >= embeddings)
            {
                throw new DataException($"The label {label} is out of range: the network has {embeddings} class embeddings.");
            }
        }
    }
}
