using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// The network as a sampler sees it: from noisy samples and their timesteps to its prediction. It must leave both as they are. The caller
/// owns what is returned, may overwrite it, and disposes it.
/// </summary>
/// <param name="x">[N, …].</param>
/// <param name="timesteps">[N], real.</param>
/// <returns>The prediction, like x.</returns>
public delegate Tensor Denoiser(Tensor x, Tensor timesteps);
