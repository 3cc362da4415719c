using RawDiffusion.Core;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;

namespace RawDiffusion.Training;

/// <summary>
/// What a training run takes of a device's memory, and what its steps do, before anything is allocated: its real parts, run on a
/// <see cref="ShapeDevice"/> within a moment.
/// </summary>
public sealed record TrainingRehearsal
{
    /// <summary>The ops of a training step, in order.</summary>
    public required IReadOnlyList<OpCall> Step { get; init; }

    /// <summary>The ops that draw the run's grid of samples, in order; none where the run draws none.</summary>
    public required IReadOnlyList<OpCall> Sampling { get; init; }

    /// <summary>The most bytes of tensors, and of scratch among them, that are in use at once: <see cref="BufferPool.PeakBytes"/>, exactly.</summary>
    public required long PeakBytes { get; init; }

    /// <summary>What the device's pool holds in the end, with what it keeps for reuse.</summary>
    public required long PoolBytes { get; init; }

    /// <summary>What the device holds beside its pool: packed weights, threads' scratch.</summary>
    public required long HeldBytes { get; init; }

    /// <summary>All memory that the run makes the device take.</summary>
    public long Bytes => PoolBytes + HeldBytes;

    /// <summary>Rehearses a run: three steps, and a grid of samples.</summary>
    /// <param name="plan">The run.</param>
    /// <param name="device">The device whose own needs are to be counted in; it is asked, and does nothing. None if null.</param>
    /// <param name="objective">What to minimise; <see cref="Objectives.Simple"/> if null.</param>
    public static TrainingRehearsal Of(TrainingPlan plan, Device? device = null, ObjectiveFactory? objective = null)
    {
        var (config, network) = (plan.Config, plan.Network);
        var data = config.Dataset!;
        using var shapes = new ShapeDevice(device);
        var unet = new UNet(network);
        var model = new GenerativeModel(unet, shapes, config.Diffusion.Process(), data.Height, data.Width) { Channels = data.Channels };
        using var parameters = new ParameterSet(unet.Parameters, shapes, training: true);
        using var adam = new Adam(parameters, config.Optimizer.Adam());
        var images = new Shape(config.Batch, network.Height, network.Width, data.Channels);
        using var minimised = (objective ?? Objectives.Simple)(unet, config.Diffusion, shapes, images);
        using var step = new TrainingStep(minimised, adam, shapes, images, config.Seed);
        using var resident = Resident(shapes, data, images);
        var batch = new FeedBatch
        {
            Count = images.N,
            DataSet = resident,
            Picks = resident is null ? default : new int[2 * images.N],
            Pixels = resident is null ? new byte[images.Count] : default,
            Labels = data.ClassNames.Count > 0 ? new int[images.N] : default,
        };
        step.Run(batch, 0, config.Optimizer.LearningRate, 0);
        OpCall[] calls = [.. shapes.Calls];
        // A device that records does so at the second step.
        step.Run(batch, 1, config.Optimizer.LearningRate, 0);
        step.Run(batch, 2, config.Optimizer.LearningRate, 0);
        shapes.ForgetCalls();
        if (SampleGrids.Request(model, config) is { } request)
        {
            using (parameters.UseEma())
            {
                ImageSampler.Run(model, request);
            }
        }
        return new TrainingRehearsal
        {
            Step = calls,
            Sampling = [.. shapes.Calls],
            PeakBytes = shapes.Memory.PeakBytes,
            PoolBytes = shapes.Memory.HeldBytes,
            HeldBytes = shapes.HeldBytes,
        };
    }

    /// <summary>The device's copy of the data set, if it will have one; without the images.</summary>
    private static DeviceImages? Resident(ShapeDevice device, DatasetInfo data, Shape images) => BatchFeed.IsResident(data.Count, images, device)
        ? new DeviceImages(device, new Shape(data.Count, images[1], images[2], images.C), (images[2] - data.Width) / 2, data.Width)
        : null;
}
