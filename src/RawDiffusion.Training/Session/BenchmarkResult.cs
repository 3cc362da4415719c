namespace RawDiffusion.Training;

/// <summary>What a benchmark measured; the field names are those of the PyTorch yardstick.</summary>
public sealed record BenchmarkResult
{
    /// <summary>The preset.</summary>
    public required string Preset { get; init; }

    /// <summary>Images per step.</summary>
    public required int Batch { get; init; }

    /// <summary>The device.</summary>
    public required string Device { get; init; }

    /// <summary>The number of weights.</summary>
    public required long Parameters { get; init; }

    /// <summary>The median time of a training step.</summary>
    public required double TrainStepMs { get; init; }

    /// <summary>Images trained on per second.</summary>
    public required double ImagesPerS { get; init; }

    /// <summary>The median time of one denoising step, where it was asked for.</summary>
    public double? DenoiseStepMs { get; init; }

    /// <summary>The batch of that.</summary>
    public required int SampleBatch { get; init; }

    /// <summary>The most device memory in use at once.</summary>
    public required long PeakMib { get; init; }

    /// <summary>From the start of the process to the end of the first training step.</summary>
    public required double FirstStepS { get; init; }
}
