using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;
using RawDiffusion.Training;

namespace RawDiffusion.GpuBenchmarks;

/// <summary>What one kernel, or copies and fills, take of a step.</summary>
/// <param name="Name">The kernel.</param>
/// <param name="Launches">How often.</param>
/// <param name="Milliseconds">All of them together.</param>
internal readonly record struct KernelShare(string Name, int Launches, double Milliseconds);

/// <summary>Where a whole step's time goes, launch by launch; on a device without graphs.</summary>
internal static class StepTrace
{
    private const int WarmUp = 2;

    /// <summary>A training step.</summary>
    public static IReadOnlyList<KernelShare> Training(CudaDevice device, UNetConfig network, DiffusionConfig diffusion, int batch)
    {
        var unet = new UNet(network);
        using var parameters = new ParameterSet(unet.Parameters, device, training: true);
        parameters.Initialize(1);
        using var adam = new Adam(parameters, new AdamOptions());
        var shape = new Shape(batch, network.Height, network.Width, network.OutChannels);
        using var objective = Objectives.Simple(unet, diffusion, device, shape);
        using var step = new TrainingStep(objective, adam, device, shape, 1);
        byte[] pixels = new byte[shape.Count];
        new Random(1).NextBytes(pixels);
        var images = new FeedBatch { Count = batch, Pixels = pixels };
        return Shares(device, round => step.Run(images, round, 1e-4, 0.999));
    }

    /// <summary>A denoising step.</summary>
    public static IReadOnlyList<KernelShare> Denoising(CudaDevice device, UNetConfig network, DiffusionConfig diffusion, int batch)
    {
        var unet = new UNet(network);
        using var parameters = new ParameterSet(unet.Parameters, device, training: false);
        parameters.Initialize(1);
        var model = new GenerativeModel(unet, device, diffusion.Process(), network.Height, network.Width);
        var sampler = Samplers.Ddim(steps: 1);
        var shape = new Shape(batch, network.Height, network.Width, model.Channels);
        using var loop = new SamplingLoop(sampler, sampler.Plan(model.Process), model.Denoiser(), device, shape, 1);
        using var start = loop.Start();
        return Shares(device, _ => loop.Run(start).Dispose());
    }

    private static IReadOnlyList<KernelShare> Shares(CudaDevice device, Action<int> step)
    {
        for (int i = 0; i < WarmUp; i++)
        {
            step(i);
        }
        device.Synchronize();
        using var trace = new LaunchTrace(device.Stream);
        device.Stream.Trace = trace;
        step(WarmUp);
        device.Stream.Trace = null;
        return [.. trace.End().GroupBy(p => p.Name).Select(g => new KernelShare(g.Key, g.Count(), g.Sum(p => p.Milliseconds))).OrderByDescending(s => s.Milliseconds)];
    }
}
