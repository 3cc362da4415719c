namespace RawDiffusion.Core;

/// <summary>A network's forward pass.</summary>
/// <param name="tape">Runs the ops, and owns the result.</param>
/// <param name="input">Stays as it is.</param>
/// <returns>[N, H, W, outputs].</returns>
public delegate Tensor NetworkForward(Tape tape, in NetworkInput input);
