using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Training;

namespace RawDiffusion.EndToEndTests;

/// <summary>
/// A library user's program: two steps of training, on the public members of the packages alone. <see cref="PackageTests"/> compiles this file
/// against the packages; here it is compiled so that a change of those members is noticed at once.
/// </summary>
public static class PackageProgram
{
    /// <summary>Trains on two images of noise, and returns the losses.</summary>
    public static double[] Run()
    {
        const int Side = 8, Batch = 2;
        var images = new Shape(Batch, Side, Side, 1);
        var random = new Random(0);
        float[] noise = [.. Enumerable.Range(0, (int)images.Count).Select(_ => (float)random.NextDouble() * 2 - 1)];

        using var device = new CpuDevice();
        var unet = new UNet(new UNetConfig
        {
            Height = Side,
            Width = Side,
            InChannels = 1,
            OutChannels = 1,
            BlockChannels = [8, 16],
            AttentionLevels = [1],
            LayersPerBlock = 1,
            NormGroups = 4,
        });
        using var parameters = new ParameterSet(unet.Parameters, device, training: true);
        parameters.Initialize(seed: 0);
        using var adam = new Adam(parameters, new AdamOptions());
        using var objective = Objectives.Simple(unet, new DiffusionConfig(), device, images);
        using var step = new TrainingStep(objective, adam, device, images, seed: 0);
        var batch = new FeedBatch { Count = Batch, Images = noise };
        return [.. Enumerable.Range(0, 2).Select(i => step.Run(batch, i, learningRate: 1e-3, emaDecay: 0.9).Loss)];
    }
}
