using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;

namespace RawDiffusion.Training;

/// <summary>Makes a run's objective.</summary>
/// <param name="network">The run's network, whose parameters have memory with gradients.</param>
/// <param name="diffusion">The process, the weighting and the share of labels dropped.</param>
/// <param name="device">Where.</param>
/// <param name="images">A batch of images, [N, H, W, C]: the network may take more channels, and answer more.</param>
/// <returns>The objective, which the caller disposes.</returns>
public delegate Objective ObjectiveFactory(UNet network, DiffusionConfig diffusion, Device device, Shape images);

/// <summary>The objectives that a configuration can name.</summary>
public static class Objectives
{
    /// <summary><see cref="SimpleObjective"/> for a U-Net: what runs train by unless told otherwise. Planes that the network takes come with the batch; of its
    /// outputs the first, as many as an image has channels, are trained.</summary>
    /// <inheritdoc cref="ObjectiveFactory"/>
    public static Objective Simple(UNet network, DiffusionConfig diffusion, Device device, Shape images)
    {
        var config = network.Config;
        var conditioned = new ConditionedNetwork(network.Forward, images.C, config.InChannels, config.OutChannels);
        return new SimpleObjective(conditioned.Predict, diffusion.Process(), device, images, SimpleObjectiveOptions.Of(diffusion, config.ClassEmbeddings));
    }
}
