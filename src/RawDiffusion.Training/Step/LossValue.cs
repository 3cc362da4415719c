namespace RawDiffusion.Training;

/// <summary>One of an objective's named losses.</summary>
/// <param name="Name">As the objective calls it.</param>
/// <param name="Value">Its value, a mean over the batch.</param>
public readonly record struct LossValue(string Name, double Value);
