using System.Diagnostics;
using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Training;

/// <summary>What a benchmark measured; the field names are those of the PyTorch yardstick.</summary>
public sealed record BenchmarkResult
{
    /// <summary>The preset.</summary>
    public required string Preset { get; init; }

    /// <summary>Images per step.</summary>
    public required int Batch { get; init; }

    /// <summary>The device.</summary>
    public required string Device { get; init; }

    /// <summary>The number of weights.</summary>
    public required long Parameters { get; init; }

    /// <summary>The median time of a training step.</summary>
    public required double TrainStepMs { get; init; }

    /// <summary>Images trained on per second.</summary>
    public required double ImagesPerS { get; init; }

    /// <summary>The median time of one denoising step, where it was asked for.</summary>
    public double? DenoiseStepMs { get; init; }

    /// <summary>The batch of that.</summary>
    public required int SampleBatch { get; init; }

    /// <summary>The most device memory in use at once.</summary>
    public required long PeakMib { get; init; }

    /// <summary>From the start of the process to the end of the first training step.</summary>
    public required double FirstStepS { get; init; }
}

/// <summary>Times a training step and a denoising step the way the PyTorch yardstick does: three rounds to warm up, then the median of seven.</summary>
public static class BenchmarkRun
{
    private const int WarmUp = 3, Rounds = 7, DenoisingSteps = 10;

    /// <summary>Measures.</summary>
    /// <param name="config">A preset, with the batch to use.</param>
    /// <param name="network">Its network.</param>
    /// <param name="device">Where.</param>
    /// <param name="sampleBatch">Also times a denoising step of a batch this large, unless 0.</param>
    public static BenchmarkResult Run(RunConfig config, UNetConfig network, Device device, int sampleBatch)
    {
        // The yardstick's step has no dropout, and draws its images once.
        var unet = new UNet(network with { Dropout = 0 });
        using var parameters = new ParameterSet(unet.Parameters, device, training: true);
        parameters.Initialize(config.Seed);
        using var adam = new Adam(parameters, new AdamOptions());
        var model = new GenerativeModel(unet, device, config.Diffusion.Process(), network.Height, network.Width);
        var shape = new Shape(config.Batch, model.Height, model.Width, model.Channels);
        using var objective = Objectives.Simple(unet, config.Diffusion, device, shape);
        using var step = new TrainingStep(objective, adam, device, shape, config.Seed);
        byte[] pixels = new byte[shape.Count];
        new Random(0).NextBytes(pixels);
        var batch = new FeedBatch { Count = shape.N, Pixels = pixels, Labels = network.ClassEmbeddings is null ? default : new int[shape.N] };
        double firstStep = 0;
        double trainMs = Median(round =>
        {
            step.Run(batch, round, config.Optimizer.LearningRate, 0.9999);
            device.Synchronize();
            if (round == 0)
            {
                firstStep = (DateTime.Now - Process.GetCurrentProcess().StartTime).TotalSeconds;
            }
        }, Rounds);
        return new BenchmarkResult
        {
            Preset = config.Preset,
            Batch = config.Batch,
            Device = device.Description,
            Parameters = parameters.Count,
            TrainStepMs = trainMs,
            ImagesPerS = config.Batch / trainMs * 1e3,
            DenoiseStepMs = sampleBatch > 0 ? Denoise(model, sampleBatch, config.Seed) : null,
            SampleBatch = sampleBatch,
            PeakMib = device.Memory.PeakBytes >> 20,
            FirstStepS = firstStep,
        };
    }

    private static double Denoise(GenerativeModel model, int batch, ulong seed)
    {
        var device = model.Device;
        var sampler = Samplers.Ddim(DenoisingSteps);
        using var labels = model.Network.Config.ClassEmbeddings is null ? null : new Tensor(device, new Shape(batch), DType.Int32, "labels").Clear();
        var shape = new Shape(batch, model.Height, model.Width, model.Channels);
        using var loop = new SamplingLoop(sampler, sampler.Plan(model.Process), model.Denoiser(new Condition(labels)), device, shape, seed, replay: true);
        using var start = loop.Start();
        return Median(_ =>
        {
            loop.Run(start).Dispose();
            device.Synchronize();
        }, 3) / DenoisingSteps;
    }

    private static double Median(Action<int> action, int rounds)
    {
        var times = new List<double>();
        for (int i = 0; i < WarmUp + rounds; i++)
        {
            long start = Stopwatch.GetTimestamp();
            action(i);
            if (i >= WarmUp)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }
        times.Sort();
        return times[times.Count / 2];
    }
}
