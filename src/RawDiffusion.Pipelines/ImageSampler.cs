using RawDiffusion.Core;
using RawDiffusion.Diffusion;

namespace RawDiffusion.Pipelines;

/// <summary>What to draw.</summary>
public sealed record SampleRequest
{
    /// <summary>How many images.</summary>
    public required int Count { get; init; }

    /// <summary>Sampler, steps, η, variance, clipping and guidance.</summary>
    public required SamplingConfig Sampling { get; init; }

    /// <summary>The seed; image i depends on it and on i alone.</summary>
    public ulong Seed { get; init; }

    /// <summary>The class of every image; null takes the classes in turn.</summary>
    public int? Class { get; init; }

    /// <summary>The condition planes of every image in turn, [Count, H, W, P] at the network's size, for a network that takes planes.</summary>
    public ReadOnlyMemory<float> Planes { get; init; }

    /// <summary>Images drawn at a time: a matter of memory and speed, not of the result.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>How many moments of the way from noise to image to keep, for the film strip; 0 for none.</summary>
    public int TrajectoryFrames { get; init; }
}

/// <summary>Images that were drawn.</summary>
/// <param name="Pixels">[Count, Height, Width, Channels], about −1 to 1.</param>
/// <param name="Count">How many.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Channels">1 or 3.</param>
/// <param name="Trajectory">x̂0 at each kept moment, each like the pixels; empty unless asked for.</param>
public sealed record SampledImages(float[] Pixels, int Count, int Height, int Width, int Channels, IReadOnlyList<float[]> Trajectory);

/// <summary>Draws images from a model.</summary>
public static class ImageSampler
{
    /// <summary>Draws images.</summary>
    /// <param name="model">The model.</param>
    /// <param name="request">What to draw.</param>
    /// <param name="progress">Called with the share done, 0 to 1, after each denoising step.</param>
    /// <param name="stop">Stops between steps.</param>
    /// <exception cref="ConfigurationException">A class that the model does not have, guidance of an unconditional model, a number out of range.</exception>
    public static SampledImages Run(GenerativeModel model, SampleRequest request, Action<double>? progress = null, CancellationToken stop = default)
    {
        Check(model, request);
        var plan = request.Sampling.Plan(model.Process);
        var images = new float[(long)request.Count * model.Height * model.Width * model.Channels];
        int frames = Math.Min(request.TrajectoryFrames, plan.Steps.Length);
        var trajectory = Enumerable.Range(0, frames).Select(_ => new float[images.Length]).ToArray();
        int imageSize = images.Length / request.Count, done = 0, all = plan.Steps.Length * ((request.Count + request.BatchSize - 1) / request.BatchSize);

        Batch? batch = null;
        try
        {
            for (int first = 0; first < request.Count; first += request.BatchSize)
            {
                int n = Math.Min(request.BatchSize, request.Count - first), offset = first * imageSize;
                if (batch?.Size != n)
                {
                    batch?.Dispose();
                    batch = new Batch(model, request, plan, n);
                }
                using var result = batch.Draw(first, (step, _, x0) =>
                {
                    // A device that works behind the program's back is waited for now and then, so that progress is what has been done.
                    if (step % 8 == 7)
                    {
                        model.Device.Synchronize();
                    }
                    stop.ThrowIfCancellationRequested();
                    // Frames are spread evenly over the steps, the last one included.
                    int frame = frames == 0 ? 0 : (step + 1) * frames / plan.Steps.Length - 1;
                    if (frame >= 0 && frame < frames && step * frames / plan.Steps.Length - 1 < frame)
                    {
                        Crop(x0, model, trajectory[frame].AsSpan(offset, n * imageSize));
                    }
                    progress?.Invoke((double)++done / all);
                });
                Crop(result, model, images.AsSpan(offset, n * imageSize));
            }
        }
        finally
        {
            batch?.Dispose();
        }
        return new SampledImages(images, request.Count, model.Height, model.Width, model.Channels, trajectory);
    }

    private static void Check(GenerativeModel model, SampleRequest request)
    {
        if (model.LearnedVariance)
        {
            throw new ConfigurationException(
                $"This model learned its variance (variance_type learned_range): it answers {model.Network.Config.OutChannels} channels for images of {model.Channels}, " +
                "and drawing with such a variance is not supported yet. Its network can be run on given inputs, or draw with a model of fixed variance.");
        }
        var network = model.Network.Config;
        long planes = (long)request.Count * network.Height * network.Width * model.Planes;
        if (request.Planes.Length != planes)
        {
            throw new ConfigurationException(
                $"{request.Planes.Length} numbers of condition planes were given for {request.Count} images, but this network takes {model.Planes} planes of {network.Height}×{network.Width} beside each: " +
                $"{planes} numbers. {(model.Planes == 0 ? "Leave them out." : "Give them, or draw with a model that takes none.")}");
        }
        if (request.Class is { } label && (label < 0 || label >= model.Classes))
        {
            throw new ConfigurationException(model.Classes == 0
                ? $"Class {label} was asked for, but this model was trained without classes. Leave --class out, or train with --conditional."
                : $"Class {label} was asked for, but this model has the classes 0 to {model.Classes - 1}.");
        }
        if (request.Sampling.Guidance != 1 && model.Classes == 0)
        {
            throw new ConfigurationException($"Guidance {request.Sampling.Guidance} was asked for, but this model was trained without classes. Leave --guidance out, or train with --conditional.");
        }
        if (request.Count < 1 || request.BatchSize < 1 || !double.IsFinite(request.Sampling.Guidance))
        {
            throw new ConfigurationException($"The number of images ({request.Count}) and the batch ({request.BatchSize}) must be at least 1, and the guidance ({request.Sampling.Guidance}) a number.");
        }
    }

    /// <summary>Cuts the images out of the network's larger, symmetrically padded ones.</summary>
    private static void Crop(Tensor padded, GenerativeModel model, Span<float> target)
    {
        var source = padded.ToArray();
        int h = padded.Shape[1], w = padded.Shape[2], row = model.Width * model.Channels;
        int top = (h - model.Height) / 2, left = (w - model.Width) / 2;
        for (int n = 0; n < padded.Shape.N; n++)
        {
            for (int y = 0; y < model.Height; y++)
            {
                source.AsSpan((((n * h) + top + y) * w + left) * model.Channels, row).CopyTo(target[((n * model.Height + y) * row)..]);
            }
        }
    }

    /// <summary>What stays the same from batch to batch of one size: the labels' place and the loop.</summary>
    private sealed class Batch : IDisposable
    {
        private readonly GenerativeModel _model;
        private readonly SampleRequest _request;
        private readonly Shape _shape;
        private readonly Tensor? _labels, _noClass, _planes;
        private readonly SamplingLoop _loop;

        public Batch(GenerativeModel model, SampleRequest request, SamplerPlan plan, int size)
        {
            (_model, _request, Size) = (model, request, size);
            _shape = new Shape(size, model.Network.Config.Height, model.Network.Config.Width, model.Channels);
            double guidance = request.Sampling.Guidance;
            try
            {
                if (model.Classes > 0)
                {
                    _labels = new Tensor(model.Device, new Shape(size), DType.Int32, "labels");
                    _noClass = guidance != 1 ? new Tensor(model.Device, new Shape(size), DType.Int32, "labels").Upload([.. Enumerable.Repeat(model.Classes, size)]) : null;
                }
                _planes = model.Planes > 0 ? new Tensor(model.Device, _shape.WithChannels(model.Planes), null, "condition planes") : null;
                _loop = new SamplingLoop(plan, model.Denoiser(new Condition(_labels, _planes), _noClass, guidance), model.Device, _shape, request.Seed, observed: true, replay: true);
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        /// <summary>Images of a batch.</summary>
        public int Size { get; }

        /// <summary>Draws the batch that begins with image `first`.</summary>
        public Tensor Draw(int first, SamplerObserver observer)
        {
            _labels?.Upload([.. Enumerable.Range(first, Size).Select(i => _request.Class ?? i % _model.Classes)]);
            if (_planes is not null)
            {
                int each = (int)_planes.Shape.Count / Size;
                _planes.Upload(_request.Planes.Span.Slice(first * each, Size * each));
            }
            using var start = Sampler.SampleStart(_model.Device, _shape, _request.Seed, first);
            return _loop.Run(start, first, observer: observer);
        }

        public void Dispose()
        {
            _loop?.Dispose();
            _labels?.Dispose();
            _noClass?.Dispose();
            _planes?.Dispose();
        }
    }
}
