using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Images;

namespace RawDiffusion.Pipelines;

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
        var sampler = request.Sampler;
        var table = sampler.Plan(model.Process);
        int steps = table.Rows.Count, frames = Math.Min(request.TrajectoryFrames, steps);
        float[] images = new float[(long)request.Count * model.Height * model.Width * model.Channels];
        float[][] trajectory = Enumerable.Range(0, frames).Select(_ => new float[images.Length]).ToArray();
        int imageSize = images.Length / request.Count;
        long done = 0, all = steps * (((long)request.Count + request.BatchSize - 1) / request.BatchSize);

        Batch? batch = null;
        try
        {
            for (int first = 0; first < request.Count; first += request.BatchSize)
            {
                int n = Math.Min(request.BatchSize, request.Count - first), offset = first * imageSize;
                if (batch?.Size != n)
                {
                    batch?.Dispose();
                    batch = new Batch(model, request, sampler, table, n);
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
                    int frame = frames == 0 ? 0 : (step + 1) * frames / steps - 1;
                    if (frame >= 0 && frame < frames && step * frames / steps - 1 < frame)
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
        int[]? labels = model.Classes == 0 ? null : request.Labels(model.Classes, 0, request.Count);
        return new SampledImages(images, request.Count, model.Height, model.Width, model.Channels, labels, trajectory);
    }

    /// <summary>How often a request asks the network about each image.</summary>
    /// <exception cref="ConfigurationException">A number out of range.</exception>
    public static int Evaluations(GenerativeModel model, SampleRequest request) =>
        request.Sampler.Plan(model.Process).Evaluations * (request.Guidance is 0 or 1 ? 1 : 2);

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
                $"{request.Planes.Length} numbers of condition planes were given for {request.Count} images, but this network takes {model.Planes} planes of " +
                $"{network.Height}×{network.Width} beside each: " +
                $"{planes} numbers. {(model.Planes == 0 ? "Leave them out." : "Give them, or draw with a model that takes none.")}");
        }
        if (request.Class is { } label && (label < 0 || label >= model.Classes))
        {
            throw new ConfigurationException(model.Classes == 0
                ? $"Class {label} was asked for, but this model was trained without classes. Ask for none, or train with classes."
                : $"Class {label} was asked for, but this model has the classes 0 to {model.Classes - 1}.");
        }
        model.Rows.CheckGuidance(request.Guidance);
        if (request.Count < 1 || request.BatchSize < 1 || !double.IsFinite(request.Guidance))
        {
            throw new ConfigurationException($"The number of images ({request.Count}) and the batch ({request.BatchSize}) must be at least 1, and the guidance " +
                $"({request.Guidance}) a number.");
        }
        SampleSize.Check(model, request);
    }

    /// <summary>Cuts the images out of the network's larger, symmetrically padded ones.</summary>
    private static void Crop(Tensor padded, GenerativeModel model, Span<float> target)
    {
        float[] source = padded.ToArray();
        int h = padded.Shape[1], w = padded.Shape[2], row = model.Width * model.Channels;
        int top = Centre.Begin(h, model.Height), left = Centre.Begin(w, model.Width);
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
        private readonly Tensor? _labels, _noClass, _guidance, _planes;
        private readonly SamplingLoop _loop;

        public Batch(GenerativeModel model, SampleRequest request, Sampler sampler, StepTable table, int size)
        {
            (_model, _request, Size) = (model, request, size);
            try
            {
                if (model.Classes > 0)
                {
                    _labels = new Tensor(model.Device, new Shape(size), DType.Int32, "labels");
                    if (request.Guidance != 1)
                    {
                        _noClass = new Tensor(model.Device, new Shape(size), DType.Int32, "no labels").Upload([.. Enumerable.Repeat(model.Rows.NoClass!.Value, size)]);
                        _guidance = new Tensor(model.Device, new Shape(1, 2), name: "guidance").Upload(Guidance.Weights(request.Guidance));
                    }
                }
                var shape = new Shape(size, model.Network.Config.Height, model.Network.Config.Width, model.Channels);
                _planes = model.Planes > 0 ? new Tensor(model.Device, shape.WithChannels(model.Planes), null, "condition planes") : null;
                _loop = new SamplingLoop(sampler, table, Denoiser(), model.Device, shape, request.Seed, replay: true);
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
        public Tensor Draw(int first, StepObserver observer)
        {
            _labels?.Upload([.. _request.Labels(_model.Classes, first, Size).Select(_model.Rows.RowOf)]);
            if (_planes is not null)
            {
                int each = (int)_planes.Shape.Count / Size;
                _planes.Upload(_request.Planes.Span.Slice(first * each, Size * each));
            }
            using var start = _loop.Start(first);
            return _loop.Run(start, first, observer: observer);
        }

        public void Dispose()
        {
            _loop?.Dispose();
            _labels?.Dispose();
            _noClass?.Dispose();
            _guidance?.Dispose();
            _planes?.Dispose();
        }

        /// <summary>The network under the labels; guidance asks it twice, but for the scales that leave one of the answers out.</summary>
        private Denoiser Denoiser() => _request.Guidance switch
        {
            1 => With(_labels),
            0 => With(_noClass),
            _ => Guidance.ClassifierFree(With(_noClass), With(_labels), _guidance!),
        };

        private Denoiser With(Tensor? labels) => _model.Denoiser(new Condition(labels, _planes));
    }
}
