using System.Diagnostics;
using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;
using RawDiffusion.Training;

namespace RawDiffusion;

/// <summary>A U-Net with its weights and the diffusion process it is for: trained, drawn from, saved and opened.</summary>
public sealed class DiffusionModel : IDisposable
{
    private readonly UNet _network;
    private ParameterSet _parameters;

    private DiffusionModel(UNet network, ParameterSet parameters, DiffusionProcess process) => (_network, _parameters, Process) = (network, parameters, process);

    /// <summary>The process.</summary>
    public DiffusionProcess Process { get; }

    /// <summary>What the network is built from.</summary>
    public UNetConfig Network => _network.Config;

    /// <summary>The weights; gradients, moments and the moving average too once it has been trained.</summary>
    public ParameterSet Parameters => _parameters;

    /// <summary>The device that it is on.</summary>
    public Device Device => _parameters.Values.Device;

    /// <summary>A model with fresh weights.</summary>
    /// <param name="device">Where to put it.</param>
    /// <param name="network">The network, such as <c>UNetConfig.For(data)</c>.</param>
    /// <param name="process">The forward process, and what the network predicts.</param>
    /// <param name="seed">The seed of the weights.</param>
    /// <exception cref="ConfigurationException">The network cannot be built: lists why.</exception>
    /// <exception cref="DeviceException">The device has no memory for it.</exception>
    public static DiffusionModel Create(Device device, UNetConfig network, DiffusionProcess process, ulong seed = 0)
    {
        var unet = new UNet(network);
        var parameters = new ParameterSet(unet.Parameters, device, training: true);
        parameters.Initialize(seed);
        return new DiffusionModel(unet, parameters, process);
    }

    /// <summary>A stored model with its weights: the moving average, where it has one.</summary>
    /// <param name="path">A run's folder, one of its checkpoints, or a folder in the layout of diffusers.</param>
    /// <param name="device">Where to put it.</param>
    /// <exception cref="ConfigurationException">The path is no model.</exception>
    /// <exception cref="StorageException">It is damaged.</exception>
    public static DiffusionModel Open(string path, Device device)
    {
        var loaded = LoadedModel.Open(path, device);
        return new DiffusionModel(loaded.Model.Network, loaded.Parameters, loaded.Model.Process);
    }

    /// <summary>Trains the model while the reports are asked for: nothing happens before the first is.</summary>
    /// <param name="data">Images of the network's size, or smaller.</param>
    /// <param name="options">Steps, batch, optimizer, objective.</param>
    /// <param name="stop">Ends the training after the step that it finds under way.</param>
    /// <returns>A report after the first step, every few steps, and after the last.</returns>
    public TrainingReports Train(IDataset data, TrainingOptions options, CancellationToken stop = default) => new(() => Steps(data, options, stop).GetEnumerator());

    /// <summary>Draws images, with the moving average of the weights where the model was trained here.</summary>
    /// <param name="count">How many.</param>
    /// <param name="sampler">How, such as <c>Samplers.Ddim(steps: 50)</c>.</param>
    /// <param name="seed">Image i depends on the seed and on i alone.</param>
    /// <param name="label">The class of all images; each class in turn if null. Only for a model with classes.</param>
    /// <param name="guidance">The scale s of classifier-free guidance; 1 is the plain conditional model.</param>
    /// <exception cref="ConfigurationException">A class that the model does not have, guidance without classes, an option of the sampler out of range.</exception>
    public Samples Sample(int count, Sampler sampler, ulong seed = 0, int? label = null, double guidance = 1)
    {
        using var average = _parameters.Ema is null ? null : _parameters.UseEma();
        var model = new GenerativeModel(_network, Device, Process, Network.Height, Network.Width);
        var request = new SampleRequest { Count = count, Sampler = sampler, Seed = seed, Class = label, Guidance = guidance };
        return new Samples(ImageSampler.Run(model, request));
    }

    /// <summary>Writes the model in the layout of diffusers, which this program, and diffusers, open: the moving average where there is one.</summary>
    /// <param name="folder">Made where it is missing.</param>
    /// <exception cref="ConfigurationException">The folder holds a model already.</exception>
    /// <exception cref="StorageException">It cannot be written.</exception>
    public void Save(string folder) => DiffusersExport.Write(
        folder, Network, DiffusionConfig.Of(Process), new SamplingConfig(), _parameters, _parameters.Ema ?? _parameters.Values);

    /// <inheritdoc/>
    public void Dispose() => _parameters.Dispose();

    private IEnumerable<StepReport> Steps(IDataset data, TrainingOptions options, CancellationToken stop)
    {
        MakeTrainable();
        using var adam = new Adam(_parameters, options.Optimizer.Adam());
        var images = new Shape(options.Batch, Network.Height, Network.Width, data.Channels);
        var diffusion = DiffusionConfig.Of(Process) with
        {
            LossWeighting = options.LossWeighting,
            TimestepSampling = options.TimestepSampling,
            LabelDropout = options.LabelDropout,
        };
        using var objective = (options.Objective ?? Objectives.Simple)(_network, diffusion, Device, images);
        using var step = new TrainingStep(objective, adam, Device, images, options.Seed);
        using var feed = BatchFeed.Open(data, Device, new BatchLoaderOptions
        {
            BatchSize = options.Batch,
            Seed = options.Seed,
            Flip = options.Flip,
            PaddedHeight = Network.Height,
            PaddedWidth = Network.Width,
        });
        var decay = new EmaDecay(options.Optimizer.EmaDecay, options.Optimizer.EmaWarmUp);
        var clock = Stopwatch.StartNew();
        var interval = new ReportInterval(clock);
        for (long done = 1; done <= options.Steps && !stop.IsCancellationRequested; done++)
        {
            double rate = options.Optimizer.RateAt(done - 1);
            var result = step.Run(feed.Next(), done - 1, rate, decay.At(adam.Step + 1));
            interval.Add(result.Losses, options.Batch);
            if (done == 1 || done == options.Steps || done % options.ReportEvery == 0)
            {
                var losses = interval.MeanLosses;
                yield return new StepReport(
                    done, options.Steps, losses[0].Value, result.GradNorm, rate, interval.ImagesPerSecond, clock.Elapsed.TotalSeconds, Device.Memory.PeakBytes)
                { Losses = losses };
                interval.Restart();
                interval.LeaveOut();
            }
        }
    }

    /// <summary>Gives a model that was opened to draw from what training needs besides its weights.</summary>
    private void MakeTrainable()
    {
        if (_parameters.Gradients is not null)
        {
            return;
        }
        var trainable = new ParameterSet(_network.Parameters, Device, training: true);
        trainable.Values.CopyFrom(_parameters.Values);
        trainable.Ema!.CopyFrom(_parameters.Values);
        _parameters.Dispose();
        _parameters = trainable;
    }
}
