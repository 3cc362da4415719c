using System.Diagnostics;
using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Training;

/// <summary>
/// Times training steps and denoising steps the way the PyTorch yardstick does: three to warm up, then the median of seven, or of three loops of
/// ten. What is timed stays as it is from one time to the next, so that another program can be timed in between.
/// </summary>
public sealed class BenchmarkRun : IDisposable
{
    private const int WarmUp = 3, TrainingSteps = 7, SamplingLoops = 3, StepsOfLoop = 10;

    private readonly RunConfig _config;
    private readonly Device _device;
    private readonly ParameterSet _parameters;
    private readonly GenerativeModel _model;
    private readonly Adam _adam;
    private readonly Objective _objective;
    private readonly TrainingStep _step;
    private readonly FeedBatch _batch;
    private readonly Dictionary<int, Sampling> _samplings = [];
    private int _steps;
    private double _firstStepS;

    /// <summary>Makes a network and what trains it, on made-up images.</summary>
    /// <param name="config">A preset, with the batch to use.</param>
    /// <param name="network">Its network.</param>
    /// <param name="device">Where.</param>
    /// <exception cref="DeviceException">The device has no memory for it.</exception>
    public BenchmarkRun(RunConfig config, UNetConfig network, Device device)
    {
        (_config, _device) = (config, device);
        // The yardstick's step has no dropout, and draws its images once.
        var unet = new UNet(network with { Dropout = 0 });
        _parameters = new ParameterSet(unet.Parameters, device, training: true);
        try
        {
            _parameters.Initialize(config.Seed);
            _adam = new Adam(_parameters, new AdamOptions());
            _model = new GenerativeModel(unet, device, config.Diffusion.Process(), network.Height, network.Width);
            var shape = new Shape(config.Batch, _model.Height, _model.Width, _model.Channels);
            _objective = Objectives.Simple(unet, config.Diffusion, device, shape);
            _step = new TrainingStep(_objective, _adam, device, shape, config.Seed);
            var pixels = new byte[shape.Count];
            new Random(0).NextBytes(pixels);
            _batch = new FeedBatch { Count = shape.N, Pixels = pixels, Labels = network.ClassEmbeddings is null ? default : new int[shape.N] };
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Measures once.</summary>
    /// <param name="sampleBatch">Also times a denoising step of a batch this large, unless 0.</param>
    /// <exception cref="DeviceException">The device has no memory for a step, or is lost.</exception>
    public BenchmarkResult Run(int sampleBatch)
    {
        double trainMs = TrainStepMs();
        return new BenchmarkResult
        {
            Preset = _config.Preset,
            Batch = _config.Batch,
            Device = _device.Description,
            Parameters = _parameters.Count,
            TrainStepMs = trainMs,
            ImagesPerS = _config.Batch / trainMs * 1e3,
            DenoiseStepMs = sampleBatch > 0 ? DenoiseStepMs(sampleBatch) : null,
            SampleBatch = sampleBatch,
            PeakMib = _device.Memory.PeakBytes >> 20,
            FirstStepS = _firstStepS,
        };
    }

    /// <summary>The median time of a training step, now.</summary>
    /// <exception cref="DeviceException">The device has no memory for a step, or is lost.</exception>
    public double TrainStepMs() => Median(TrainingSteps, () =>
    {
        _step.Run(_batch, _steps, _config.Optimizer.LearningRate, 0.9999);
        _device.Synchronize();
        if (_steps++ == 0)
        {
            _firstStepS = (DateTime.Now - Process.GetCurrentProcess().StartTime).TotalSeconds;
        }
    });

    /// <summary>The median time of one denoising step, now.</summary>
    /// <param name="batch">How many images are denoised together.</param>
    /// <exception cref="DeviceException">The device has no memory for a step, or is lost.</exception>
    public double DenoiseStepMs(int batch)
    {
        if (!_samplings.TryGetValue(batch, out var sampling))
        {
            _samplings[batch] = sampling = new Sampling(_model, batch, _config.Seed);
        }
        return Median(SamplingLoops, () =>
        {
            sampling.Run();
            _device.Synchronize();
        }) / StepsOfLoop;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var sampling in _samplings.Values)
        {
            sampling.Dispose();
        }
        _step?.Dispose();
        _objective?.Dispose();
        _adam?.Dispose();
        _parameters.Dispose();
    }

    private static double Median(int rounds, Action action)
    {
        var times = new List<double>();
        for (int i = 0; i < WarmUp + rounds; i++)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            if (i >= WarmUp)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }
        times.Sort();
        return times[times.Count / 2];
    }

    /// <summary>A loop of denoising steps for batches of one size.</summary>
    private sealed class Sampling : IDisposable
    {
        private readonly Tensor? _labels;
        private readonly SamplingLoop? _loop;
        private readonly Tensor? _start;

        public Sampling(GenerativeModel model, int batch, ulong seed)
        {
            var device = model.Device;
            var sampler = Samplers.Ddim(StepsOfLoop);
            try
            {
                _labels = model.Network.Config.ClassEmbeddings is null ? null : new Tensor(device, new Shape(batch), DType.Int32, "labels").Clear();
                var shape = new Shape(batch, model.Height, model.Width, model.Channels);
                _loop = new SamplingLoop(sampler, sampler.Plan(model.Process), model.Denoiser(new Condition(_labels)), device, shape, seed, replay: true);
                _start = _loop.Start();
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public void Run() => _loop!.Run(_start!).Dispose();

        public void Dispose()
        {
            _start?.Dispose();
            _loop?.Dispose();
            _labels?.Dispose();
        }
    }
}
