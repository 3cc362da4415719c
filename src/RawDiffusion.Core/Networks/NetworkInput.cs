namespace RawDiffusion.Core;

/// <summary>
/// All that a network hears, in training and in sampling alike. It stands here because networks and processes, which know nothing of each
/// other, both speak of it.
/// </summary>
/// <param name="X">The noisy images, [N, H, W, C].</param>
/// <param name="Timesteps">[N], real.</param>
/// <param name="Condition">What else the network is told.</param>
/// <param name="Random">Where random numbers within the network (dropout) come from; null outside of training, where there are none.</param>
public readonly record struct NetworkInput(Tensor X, Tensor Timesteps, Condition Condition = default, StreamPosition? Random = null);
