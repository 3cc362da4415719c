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
