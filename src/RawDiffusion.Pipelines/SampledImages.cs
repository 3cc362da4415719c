namespace RawDiffusion.Pipelines;

/// <summary>Images that were drawn.</summary>
/// <param name="Pixels">[Count, Height, Width, Channels], about −1 to 1.</param>
/// <param name="Count">How many.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Channels">1 or 3.</param>
/// <param name="Labels">Each image's class; null without classes.</param>
/// <param name="Trajectory">x̂0 at each kept moment, each like the pixels; empty unless asked for.</param>
public sealed record SampledImages(float[] Pixels, int Count, int Height, int Width, int Channels, IReadOnlyList<int>? Labels, IReadOnlyList<float[]> Trajectory);
