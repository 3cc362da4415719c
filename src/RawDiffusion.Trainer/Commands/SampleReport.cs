using System.Text.Json.Serialization;

namespace RawDiffusion.Trainer.Commands;

/// <summary>What <c>sample --json</c> says of what it drew.</summary>
/// <param name="Files">The files to look at.</param>
/// <param name="Model">The model, in words.</param>
/// <param name="Device">Where it was drawn.</param>
/// <param name="Count">How many images.</param>
/// <param name="Height">Rows of each.</param>
/// <param name="Width">Columns of each.</param>
/// <param name="Channels">Channels of each.</param>
/// <param name="Sampler">How.</param>
/// <param name="Steps">Denoising steps.</param>
/// <param name="Evaluations">Network evaluations for an image.</param>
/// <param name="Guidance">The scale of classifier-free guidance.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Class">The class asked for; null for none, or each in turn.</param>
/// <param name="Seconds">Time spent drawing.</param>
internal sealed record SampleReport(
    IReadOnlyList<string> Files, string Model, string Device, int Count, int Height, int Width, int Channels, string Sampler, int Steps, int Evaluations, double Guidance,
    ulong Seed, int? Class, double Seconds);

/// <summary>The report's metadata, generated at build time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SampleReport))]
internal sealed partial class SampleReportContext : JsonSerializerContext;
