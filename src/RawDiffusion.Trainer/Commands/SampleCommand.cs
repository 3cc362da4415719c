using System.CommandLine;
using System.CommandLine.Completions;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Pipelines;
using RawDiffusion.Storage;
using RawDiffusion.Trainer.Terminal;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Trainer.Commands;

/// <summary><c>rawdiffusion sample</c>.</summary>
internal static class SampleCommand
{
    private const int TrajectoryFrames = 12;
    private const int TrajectoryImages = 8;
    private const string Auto = "auto";
    private const string Learned = "learned";

    private static readonly Argument<string> Model = Parameters.Model();
    private static readonly Option<string?> Out = Parameters.Text("--out", "PATH",
        "A .png file gets all images as one grid; a .npz file gets them as one array; any other path is a folder that gets each image and the grid. " +
        "Left out: the run's own folder samples/, under a name that is free, such as sample-seed0.png.");
    private static readonly Option<int?> Count = Parameters.Number<int>("--count", "N", "How many images. Left out: as many as the run's own pictures have.");
    private static readonly Option<string?> Sampler = Parameters.Text("--sampler", "NAME",
        $"{string.Join(", ", NamedEnum<SamplerName>.Names)}. This and the next five default to what the model was trained with. An option that the sampler does not use " +
        "is an error.");
    private static readonly Option<int?> Steps = Parameters.Number<int>("--steps", "N", "Denoising steps, from 1 to the model's timesteps: more are slower and finer.");
    private static readonly Option<double?> Eta = Parameters.Number<double>("--eta", "X", "Noise in ddim: 0 is deterministic, 1 is as much as ddpm.");
    private static readonly Option<string?> Variance = Parameters.Text("--variance", "NAME",
        $"Noise in ddpm: {Auto}, {string.Join(", ", NamedEnum<ReverseVariance>.Names)}, or {Learned} for networks that predict it, which there are none of yet.");
    private static readonly Option<string?> Clip = Parameters.Text(
        "--clip", "R|off", "How far from 0 the image that a step expects may be: 1 is the range of images; off for any distance.");
    private static readonly Option<string?> Spacing = Parameters.Text("--spacing", "NAME",
        $"Which of the timesteps: {string.Join(", ", NamedEnum<TimestepSpacing>.Names)}. Left out: linspace in ddpm and dpmpp_2m, trailing in ddim, leading in plms.");
    private static readonly Option<double?> Guidance = Parameters.Number<double>(
        "--guidance", "S", "Classifier-free guidance: 1 is the plain conditional model, more is more typical of the class.");
    private static readonly Option<ulong?> Seed = Parameters.Number<ulong>("--seed", "N", "Image i depends on the seed and on i alone. Default: 0.");
    private static readonly Option<string?> Class = Parameters.Text("--class", "NAME|K",
        "The class of all images: its name or, where no class has that name, its number, from 0. Both are shown when drawing begins. Left out: each class in turn.");
    private static readonly Option<string?> Weights = Parameters.Text("--weights", "ema|raw", "The moving average (default) or the weights as training left them.");
    private static readonly Option<string?> DeviceName = Parameters.Device();
    private static readonly Option<int?> Threads = Parameters.Threads();
    private static readonly Option<bool> Trajectory = new("--trajectory") { Description = "Also write a film strip of the way from noise to image, beside the images." };
    private static readonly Option<string?> Format = Parameters.Text(
        "--format", "png|npz", "png, or npz: NumPy's archive with arr_0 [N, H, W, C] of bytes, and arr_1 [N] of labels where there are classes. Default: what --out says.");

    private static readonly Option<bool> Json = Parameters.Json("Print one line of JSON about what was drawn, the field files among others, instead of the files alone.");

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("sample", "Draws images from a model. A model describes itself: nothing that it was trained with has to be repeated.")
        {
            Model, Out, Count, Sampler, Steps, Eta, Variance, Clip, Spacing, Guidance, Class, Seed, Weights, DeviceName, Threads, Trajectory, Format,
            Json, Parameters.Quiet,
        };
        Sampler.Completing([.. NamedEnum<SamplerName>.Names]);
        Variance.Completing([Auto, .. NamedEnum<ReverseVariance>.Names]);
        Spacing.Completing([.. NamedEnum<TimestepSpacing>.Names]);
        Clip.Completing("off", "1");
        Weights.Completing("ema", "raw");
        Format.Completing("png", "npz");
        Class.CompletionSources.Add(context => ClassesOf(context.ParseResult.GetValue(Model)).Select(name => new CompletionItem(name)));
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parse)
    {
        string model = parse.GetRequiredValue(Model);
        ulong seed = parse.GetValue(Seed) ?? 0;
        var target = parse.GetValue(Out) is { } path ? SampleTarget.Of(path, parse.GetValue(Format)) : SampleTarget.InRun(model, seed, parse.GetValue(Format));
        var weights = ParseWeights(parse.GetValue(Weights));
        var auto = new DeviceConfig();
        string? chosen = null;
        var asked = auto with { Name = parse.GetValue(DeviceName) ?? auto.Name, Threads = parse.GetValue(Threads) ?? auto.Threads };
        using var device = DeviceChoice.Open(asked, line => chosen = line);
        using var loaded = LoadedModel.Open(model, device, weights, Talk.Warning);
        var sampling = Sampling(parse, loaded, out int? label);
        var request = new SampleRequest
        {
            Count = sampling.Count,
            Sampler = sampling.Create(),
            Guidance = sampling.Guidance,
            Seed = seed,
            Class = label,
            TrajectoryFrames = parse.GetValue(Trajectory) ? TrajectoryFrames : 0,
        };
        SampleSize.Check(loaded.Model, request);
        target.Check(request.Count, loaded.Model.Height, loaded.Model.Width);
        if (chosen is not null)
        {
            Talk.Line(chosen);
        }
        Announce(loaded, device, request, sampling);
        target.Prepare();

        var progress = new SamplingProgress();
        var clock = Stopwatch.StartNew();
        using var interruption = new Interruption(_ => { });
        try
        {
            var images = ImageSampler.Run(loaded.Model, request, progress.Report, interruption.Token);
            if (SampleDrift.Describe(images, loaded.Description.Dataset) is { } drift)
            {
                Talk.Line(drift);
            }
            double seconds = clock.Elapsed.TotalSeconds;
            var written = target.Write(images, TrajectoryImages);
            Console.WriteLine(!parse.GetValue(Json) ? string.Join(Environment.NewLine, written) : JsonSerializer.Serialize(
                new SampleReport(written, loaded.Text, device.Description, images.Count, images.Height, images.Width, images.Channels,
                    NamedEnum<SamplerName>.NameOf(sampling.Sampler), sampling.Steps, ImageSampler.Evaluations(loaded.Model, request), sampling.Guidance, seed, label, seconds),
                SampleReportContext.Default.SampleReport));
            return 0;
        }
        catch (OperationCanceledException)
        {
            progress.BreakOff();
            Talk.Line("Stopped; nothing was written.");
            return interruption.ExitCode;
        }
    }

    /// <summary>The classes that a run folder remembers, for a shell that completes a name; none where that cannot be told.</summary>
    private static IReadOnlyList<string> ClassesOf(string? model)
    {
        try
        {
            return model is not null && RunFolder.IsRun(model) ? RunConfigJson.FromJson(RunFolder.ReadConfig(model), model).Dataset?.ClassNames ?? [] : [];
        }
        catch (RawDiffusionException)
        {
            return [];
        }
    }

    private static void Announce(LoadedModel loaded, Device device, SampleRequest request, SamplingConfig sampling)
    {
        Talk.Line(
            $"{loaded.Text} on {device.Description}: {Talk.Count(request.Count, "image")}, {NamedEnum<SamplerName>.NameOf(sampling.Sampler)} " +
            $"with {Talk.Count(sampling.Steps, "step")} ({Talk.Count(ImageSampler.Evaluations(loaded.Model, request), "network evaluation")} an image), seed {request.Seed}");
        foreach (string assumption in loaded.Description.Assumptions)
        {
            Talk.Line(assumption);
        }
        if (loaded.Model.Classes > 0)
        {
            string classes = ClassNames.Describe(loaded.ClassNames, loaded.Model.Classes);
            Talk.Line($"of {classes}{(request.Class is { } label ? $"; drawn: {ClassNames.Show(label, loaded.ClassNames)}" : " in turn")}");
        }
    }

    private static SamplingConfig Sampling(ParseResult parse, LoadedModel loaded, out int? label)
    {
        var trained = loaded.Description.Sampling;
        var rules = new ConfigurationRules();
        var sampling = trained with
        {
            Sampler = Named<SamplerName>(rules, Sampler, parse) ?? trained.Sampler,
            Steps = parse.GetValue(Steps) ?? trained.Steps,
            Spacing = Named<TimestepSpacing>(rules, Spacing, parse) ?? trained.Spacing,
            Eta = parse.GetValue(Eta) ?? trained.Eta,
            Variance = ParseVariance(rules, parse) ?? trained.Variance,
            Clip = ParseClip(rules, parse) ?? trained.Clip,
            Guidance = parse.GetValue(Guidance) ?? (loaded.Model.Rows.CanGuide ? trained.Guidance : 1),
            Count = parse.GetValue(Count) ?? trained.Count,
        };
        RequireUse(rules, Eta, parse, sampling.Sampler, SamplingConfig.WithEta);
        RequireUse(rules, Variance, parse, sampling.Sampler, SamplingConfig.WithVariance);
        sampling.Check(rules, loaded.Description.Diffusion.Timesteps);
        label = parse.GetValue(Class) is { } name ? ClassNames.Find(rules, Class.Name, name, loaded.ClassNames, loaded.Model.Classes) : null;
        if (sampling.Guidance != 1 && loaded.Model.Rows.WhyNotGuided is { } why)
        {
            Complain(rules, Guidance, $"was given, but {why}. Leave it out, or train with --conditional and diffusion.label_dropout above 0");
        }
        if (rules.Problems.Count > 0)
        {
            throw new ConfigurationException(ProblemList.Tell("The images cannot be drawn", [.. rules.Problems.Select(problem => problem.ToString())]));
        }
        return sampling;
    }

    /// <summary>The value that an option names; null, with a complaint, where there is no such name.</summary>
    private static T? Named<T>(ConfigurationRules rules, Option<string?> option, ParseResult parse) where T : struct, Enum
    {
        if (parse.GetValue(option) is not { } name)
        {
            return null;
        }
        var value = NamedEnum<T>.Find(name);
        if (value is null)
        {
            rules.Add(new ConfigurationProblem(option.Name, $"'{name}'", $"one of {string.Join(", ", NamedEnum<T>.Names)}", NearestName.Suggestion(name, NamedEnum<T>.Names)));
        }
        return value;
    }

    private static ReverseVariance? ParseVariance(ConfigurationRules rules, ParseResult parse)
    {
        switch (parse.GetValue(Variance))
        {
            case Auto:
                return null;
            case Learned:
                Complain(rules, Variance, "learned needs a network that predicts its variance, which this program does not know yet: use fixed_small or fixed_large");
                return null;
            default:
                return Named<ReverseVariance>(rules, Variance, parse);
        }
    }

    private static ClipRange? ParseClip(ConfigurationRules rules, ParseResult parse)
    {
        switch (parse.GetValue(Clip))
        {
            case null:
                return null;
            case "off":
                return ClipRange.Off;
            case var text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double bound) && bound > 0 && double.IsFinite(bound):
                return new ClipRange(bound);
            case var text:
                rules.Add(new ConfigurationProblem(Clip.Name, $"'{text}'", "a number above 0, or off"));
                return null;
        }
    }

    /// <summary>Complains of an option that the sampler would pass over.</summary>
    private static void RequireUse(ConfigurationRules rules, Option option, ParseResult parse, SamplerName sampler, IReadOnlyList<SamplerName> users)
    {
        if (parse.GetResult(option) is { Implicit: false } && !users.Contains(sampler))
        {
            Complain(rules, option, $"was given, but {NamedEnum<SamplerName>.NameOf(sampler)} does not use it: it is for " +
                $"{string.Join(", ", users.Select(NamedEnum<SamplerName>.NameOf))}");
        }
    }

    private static void Complain(ConfigurationRules rules, Option option, string words) =>
        rules.Add(new ConfigurationProblem(option.Name, "", "") { Words = $"{option.Name} {words}" });

    private static WeightsChoice ParseWeights(string? name) => name switch
    {
        null or "ema" => WeightsChoice.Ema,
        "raw" => WeightsChoice.Raw,
        _ => throw new ConfigurationException($"--weights is '{name}'; it must be ema or raw."),
    };
}
