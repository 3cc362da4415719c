using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Training;

namespace RawDiffusion.CudaTests;

/// <summary>A small network that is trained, with everything that a network can have.</summary>
internal sealed class TinyTraining : IDisposable
{
    private const int Classes = 3;

    private readonly int _batch;
    private readonly Adam? _adam;
    private readonly TrainingStep? _step;
    private readonly DeviceImages? _images;

    public TinyTraining(Device device, UNetConfig network, int batch = 2)
    {
        _batch = batch;
        var unet = new UNet(network);
        Parameters = new ParameterSet(unet.Parameters, device, training: true);
        try
        {
            Randomize(Parameters);
            _adam = new Adam(Parameters, new AdamOptions());
            _step = new TrainingStep(unet, _adam, new DiffusionConfig { LossWeighting = LossWeighting.MinSnr }, device, new Shape(batch, network.Height, network.Width, 3), seed: 4);
            _images = new DeviceImages(new ShapesDataset(6, network.Height), device, network.Height, network.Width);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public ParameterSet Parameters { get; }

    /// <summary>A network for colour images, with classes, attention and dropout.</summary>
    public static UNetConfig Network(int side, params int[] channels) => new()
    {
        Height = side,
        Width = side,
        InChannels = 3,
        OutChannels = 3,
        BlockChannels = channels,
        AttentionLevels = [.. channels.Index().Where(level => level.Item == channels[^1]).Select(level => level.Index)],
        LayersPerBlock = 1,
        NormGroups = channels[0] / 2,
        ClassEmbeddings = Classes + 1,
        Dropout = 0.1,
    };

    /// <summary>Random weights, also for the layers that start at zero: they would hide what is behind them.</summary>
    public static void Randomize(ParameterSet parameters)
    {
        parameters.Initialize(1);
        var random = new Random(1);
        parameters.Values.Upload([.. parameters.Values.ToArray().Select(weight => weight == 0 ? (float)(random.NextDouble() - 0.5) * 0.2f : weight)]);
    }

    /// <summary>A step with images, labels, timesteps and rates of its own.</summary>
    public StepResult Run(int step)
    {
        _step!.SetImages(_images!, ((int[])[step, 1, 5 - step, 0])[..(2 * _batch)]);
        _step.SetLabels(((int[])[step % Classes, Classes])[.._batch]);
        return _step.Run(step, ((int[])[300 + step, 900 - step])[.._batch], 1e-3 / (step + 1), 0.9 + 0.01 * step);
    }

    public void Dispose()
    {
        _step?.Dispose();
        _images?.Dispose();
        _adam?.Dispose();
        Parameters.Dispose();
    }
}
