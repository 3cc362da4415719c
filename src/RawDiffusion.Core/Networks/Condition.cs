namespace RawDiffusion.Core;

/// <summary>What a network is told of the images besides how they look with noise; each part is null where there is none.</summary>
/// <param name="Labels">Classes, Int32 [N].</param>
/// <param name="Planes">Planes of the images' size that lie beside them, [N, H, W, P]: a mask, a small image enlarged.</param>
public readonly record struct Condition(Tensor? Labels = null, Tensor? Planes = null);
