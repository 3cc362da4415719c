using System.CommandLine;
using RawDiffusion.Core;
using RawDiffusion.Pipelines;
using RawDiffusion.Trainer.Terminal;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Trainer.Commands;

/// <summary><c>rawdiffusion sample</c>.</summary>
internal static class SampleCommand
{
    private const int TrajectoryFrames = 12;
    private const int TrajectoryImages = 8;

    private static readonly Argument<string> Model = Parameters.Model();
    private static readonly Option<string> Out = Parameters.RequiredText("--out", "PATH",
        "A .png file gets all images as one grid; a .npz file gets them as one array; any other path is a folder that gets each image and the grid.");
    private static readonly Option<int?> Count = Parameters.Number<int>("--count", "N", "How many images. Left out: as many as the run's own pictures have.");
    private static readonly Option<string?> SamplerName = Parameters.Text("--sampler", "NAME", $"{string.Join(", ", NamedEnum<Diffusion.SamplerName>.Names)}. This and the next three default to what the model was trained with.");
    private static readonly Option<int?> Steps = Parameters.Number<int>("--steps", "N", "Denoising steps, from 1 to the model's timesteps: more are slower and finer.");
    private static readonly Option<double?> Eta = Parameters.Number<double>("--eta", "X", "Noise in ddim: 0 is deterministic, 1 is as much as ddpm.");
    private static readonly Option<double?> Guidance = Parameters.Number<double>("--guidance", "S", "Classifier-free guidance: 1 is the plain conditional model, more is more typical of the class.");
    private static readonly Option<ulong?> Seed = Parameters.Number<ulong>("--seed", "N", "Image i depends on the seed and on i alone. Default: 0.");
    private static readonly Option<int?> Class = Parameters.Number<int>("--class", "K", "The class of all images, from 0. Left out: each class in turn.");
    private static readonly Option<string?> Weights = Parameters.Text("--weights", "ema|raw", "The moving average (default) or the weights as training left them.");
    private static readonly Option<string?> DeviceName = Parameters.Device();
    private static readonly Option<bool> Trajectory = new("--trajectory") { Description = "Also write a film strip of the way from noise to image, beside the images." };
    private static readonly Option<string?> Format = Parameters.Text("--format", "png|npz", "png, or npz: NumPy's archive with arr_0 [N, H, W, C] of bytes, and arr_1 [N] of labels where there are classes. Default: what --out says.");

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("sample", "Draws images from a model. A model describes itself: nothing that it was trained with has to be repeated.")
        {
            Model, Out, Count, SamplerName, Steps, Eta, Seed, Class, Guidance, Weights, DeviceName, Trajectory, Format,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parse)
    {
        var target = SampleTarget.Of(parse.GetRequiredValue(Out), parse.GetValue(Format));
        var weights = ParseWeights(parse.GetValue(Weights));
        using var device = DeviceChoice.Open(parse.GetValue(DeviceName));
        using var loaded = LoadedModel.Open(parse.GetRequiredValue(Model), device, weights, Talk.Line);
        var request = Request(parse, loaded);
        Talk.Line($"{loaded.Text} on {device.Description}: {request.Count} images, {NamedEnum<Diffusion.SamplerName>.NameOf(request.Sampling.Sampler)} with {request.Sampling.Steps} steps, seed {request.Seed}");
        target.Prepare();

        var progress = new SamplingProgress();
        using var interruption = new Interruption(_ => { });
        try
        {
            var images = ImageSampler.Run(loaded.Model, request, progress.Report, interruption.Token);
            var labels = loaded.Model.Classes == 0 ? null : Enumerable.Range(0, request.Count).Select(i => (long)(request.Class ?? i % loaded.Model.Classes)).ToArray();
            if (SampleDrift.Describe(images, loaded.Description.Dataset) is { } drift)
            {
                Talk.Line(drift);
            }
            foreach (string path in target.Write(images, labels, TrajectoryImages))
            {
                Console.WriteLine(path);
            }
            return 0;
        }
        catch (OperationCanceledException)
        {
            Talk.Line("Stopped; nothing was written.");
            return interruption.ExitCode;
        }
    }

    private static SampleRequest Request(ParseResult parse, LoadedModel loaded)
    {
        var trained = loaded.Description.Sampling;
        var sampling = trained with
        {
            Sampler = parse.GetValue(SamplerName) is { } name ? ParseSampler(name) : trained.Sampler,
            Steps = parse.GetValue(Steps) ?? trained.Steps,
            Eta = parse.GetValue(Eta) ?? trained.Eta,
            Guidance = parse.GetValue(Guidance) ?? (loaded.Model.Rows.CanGuide ? trained.Guidance : 1),
            Count = parse.GetValue(Count) ?? trained.Count,
        };
        var rules = new ConfigurationRules();
        sampling.Check(rules, loaded.Description.Diffusion.Timesteps);
        if (rules.Problems.Count > 0)
        {
            throw new ConfigurationException($"The images cannot be drawn: {string.Join("; ", rules.Problems)}.");
        }
        return new SampleRequest
        {
            Count = sampling.Count,
            Sampling = sampling,
            Seed = parse.GetValue(Seed) ?? 0,
            Class = parse.GetValue(Class),
            TrajectoryFrames = parse.GetValue(Trajectory) ? TrajectoryFrames : 0,
        };
    }

    private static Diffusion.SamplerName ParseSampler(string name) => NamedEnum<Diffusion.SamplerName>.Find(name)
        ?? throw new ConfigurationException($"--sampler is '{name}'; it must be one of {string.Join(", ", NamedEnum<Diffusion.SamplerName>.Names)}{NearestName.Suggestion(name, NamedEnum<Diffusion.SamplerName>.Names)}.");

    private static WeightsChoice ParseWeights(string? name) => name switch
    {
        null or "ema" => WeightsChoice.Ema,
        "raw" => WeightsChoice.Raw,
        _ => throw new ConfigurationException($"--weights is '{name}'; it must be ema or raw."),
    };
}
