using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;

namespace RawDiffusion.Training;

/// <summary>
/// A small network with random weights, trained on images of noise: what self checks and tests do with a whole training step. Its
/// gradient can be looked at from any place in the space of weights.
/// </summary>
internal sealed class TinyTraining : IDisposable
{
    private const int Classes = 3;

    private readonly int _batch;
    private readonly Adam? _adam;
    private readonly Objective? _objective;
    private readonly TrainingStep? _step;
    private readonly DeviceImages? _images;
    private readonly float[]? _planes;

    /// <summary>A network with memory, and its first batch.</summary>
    /// <param name="device">Where.</param>
    /// <param name="network">The network; channels that it takes beyond the images' come as random planes.</param>
    /// <param name="batch">Images per step.</param>
    /// <param name="imageChannels">Channels of the images.</param>
    /// <param name="objective">What to minimise; <see cref="Objectives.Simple"/> with min-SNR weights if null.</param>
    public TinyTraining(Device device, UNetConfig network, int batch = 2, int imageChannels = 3, ObjectiveFactory? objective = null)
    {
        _batch = batch;
        var unet = new UNet(network);
        Parameters = new ParameterSet(unet.Parameters, device, training: true);
        try
        {
            Randomize(Parameters);
            _adam = new Adam(Parameters, new AdamOptions());
            var shape = new Shape(batch, network.Height, network.Width, imageChannels);
            _objective = (objective ?? Objectives.Simple)(unet, new DiffusionConfig { LossWeighting = LossWeighting.MinSnr }, device, shape);
            _step = new TrainingStep(_objective, _adam, device, shape, seed: 4);
            _images = new DeviceImages(new TinyImages(network.Height, network.Width, imageChannels), device, network.Height, network.Width);
            var random = new Random(2);
            _planes = [.. Enumerable.Range(0, (int)shape.WithChannels(1).Count * (network.InChannels - imageChannels)).Select(_ => (float)random.NextDouble())];
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Weights, gradients, moments and moving average.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>A network for colour images, with classes, attention in its last level, and dropout.</summary>
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

    /// <summary>The batch of a step: images, mirroring and labels of its own.</summary>
    public FeedBatch Batch(int step) => new()
    {
        Count = _batch,
        DataSet = _images,
        Picks = Enumerable.Range(0, _batch).SelectMany(n => (int[])[(step + 2 * n) % TinyImages.Number, (n + 1) % 2]).ToArray(),
        Labels = Enumerable.Range(0, _batch).Select(n => (step + n) % Classes).ToArray(),
        Planes = _planes,
    };

    /// <summary>Trains a step with rates of its own.</summary>
    /// <param name="step">Counted from 0.</param>
    public StepResult Run(int step) => _step!.Run(Batch(step), step, 1e-3 / (step + 1), 0.9 + 0.01 * step);

    /// <summary>Losses and gradient of a batch, at weights that stay as they are.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="step">The step whose random numbers are drawn.</param>
    public StepResult Evaluate(FeedBatch batch, int step = 0) => _step!.Run(batch, step, learningRate: 0, emaDecay: 0);

    /// <inheritdoc/>
    public void Dispose()
    {
        _step?.Dispose();
        _objective?.Dispose();
        _images?.Dispose();
        _adam?.Dispose();
        Parameters.Dispose();
    }

    /// <summary>A few images of noise, of any size.</summary>
    private sealed class TinyImages(int height, int width, int channels) : IDataset
    {
        public const int Number = 6;

        public int Count => Number;

        public int Height => height;

        public int Width => width;

        public int Channels => channels;

        public IReadOnlyList<string> ClassNames { get; } = [.. Enumerable.Range(0, Classes).Select(label => $"class {label}")];

        public string Description => "noise";

        public string Fingerprint => "";

        public int Label(int index) => index % Classes;

        public void Read(int index, Span<byte> hwc) => new Random(index).NextBytes(hwc);
    }
}
