namespace RawDiffusion.Cpu;

/// <summary>Which weights in the kernels' order a rehearsal counts.</summary>
/// <param name="Weights">The address of the weights.</param>
/// <param name="Backward">Whether for the gradient of the input.</param>
public readonly record struct PackedCopy(nint Weights, bool Backward);
