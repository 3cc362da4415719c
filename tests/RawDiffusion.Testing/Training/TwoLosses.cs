using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;

namespace RawDiffusion.Testing;

/// <summary>
/// An objective as a user of the library writes it: the error of the prediction, and a tenth of the size of whatever the network answers
/// besides (of the prediction itself, where there is nothing else).
/// </summary>
public sealed class TwoLosses : Objective
{
    /// <summary>What the second loss counts.</summary>
    public const double SizeWeight = 0.1;

    private readonly ConditionedNetwork _network;
    private readonly DiffusionProcess _process;
    private readonly bool _hasClasses;
    private readonly Tensor _noisy, _target, _timesteps, _coefficients, _zeros, _noPlanes;

    private TwoLosses(UNet network, DiffusionConfig diffusion, Device device, Shape images)
    {
        var config = network.Config;
        (_process, _hasClasses) = (diffusion.Process(), config.ClassEmbeddings is not null);
        _network = new ConditionedNetwork(network.Forward, images.C, config.InChannels, config.OutChannels);
        _noisy = new Tensor(device, images, null, "x_t");
        _target = new Tensor(device, images, null, "the target");
        _timesteps = new Tensor(device, new Shape(images.N), null, "timesteps");
        _coefficients = new Tensor(device, new Shape(images.N, 4), null, "coefficients");
        _zeros = new Tensor(device, _network.ExtraOutputs > 0 ? images.WithChannels(_network.ExtraOutputs) : images, null, "zeros").Clear();
        _noPlanes = new Tensor(device, images.WithChannels(Math.Max(1, _network.Planes)), null, "planes that the data does not bring").Clear();
    }

    /// <summary>Makes the objective.</summary>
    public static Objective Make(UNet network, DiffusionConfig diffusion, Device device, Shape images) => new TwoLosses(network, diffusion, device, images);

    /// <inheritdoc/>
    public override void Prepare(in StepNumbers step)
    {
        Span<int> timesteps = stackalloc int[step.Samples];
        TimestepSampler.Stratified(step.Seed, (int)step.Step, step.FirstSample, step.WholeBatch, _process.Schedule.Steps, timesteps);
        _timesteps.Upload<int>(timesteps);
        Span<float> coefficients = stackalloc float[4 * step.Samples];
        TrainingTargets.Coefficients(_process, timesteps, coefficients);
        _coefficients.Upload<float>(coefficients);
    }

    /// <inheritdoc/>
    public override Losses Forward(Tape tape, in TrainingBatch batch)
    {
        batch.AddNoise(_coefficients, null, _noisy, _target);
        var condition = new Condition(_hasClasses ? batch.Labels : null, batch.Planes ?? (_network.Planes > 0 ? _noPlanes : null));
        var answer = _network.Forward(tape, new NetworkInput(_noisy, _timesteps, condition, batch.Random));
        var (prediction, extra) = _network.Split(tape, answer);
        var error = tape.MeanSquaredError(prediction, _target).Loss;
        var size = tape.MeanSquaredError(extra ?? prediction, _zeros).Loss;
        return new Losses(("total", tape.LinearCombination(1, error, SizeWeight, size)), ("error", error), ("size", size));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var tensor in (Tensor[])[_noisy, _target, _timesteps, _coefficients, _zeros, _noPlanes])
        {
            tensor.Dispose();
        }
        base.Dispose();
    }
}
