using System.CommandLine;
using System.Text.Json;
using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Diffusion;
using RawDiffusion.Pipelines;
using RawDiffusion.Storage;
using RawDiffusion.Trainer.Terminal;
using RawDiffusion.Training;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Trainer.Commands;

/// <summary><c>rawdiffusion evaluate</c>.</summary>
internal static class EvaluateCommand
{
    private const int UsualCount = 256;
    private static readonly string[] Methods = ["vlb"], Splits = ["train", "test"];

    private static readonly Argument<string> Model = Parameters.Model();
    private static readonly Option<string?> Data = Parameters.Text(
        "--data", "PATH", "The images: whatever train takes. Left out: the built-in shapes, for a model that was trained on them.");
    private static readonly Option<string?> Split = Parameters.Text(
        "--split", "NAME", "Which part of the set: train or test. Left out: test where the set has one, else all of it.");
    private static readonly Option<bool> BitsPerDim = new("--bits-per-dim")
    {
        Description = "The likelihood: how many bits each number of an image would cost if the model coded it, at most. Fewer is better; a bound, so that another " +
            "program's may be lower for the same model. With v-prediction and min-SNR a model draws better and codes worse than with epsilon and simple weighting.",
    };
    private static readonly Option<string?> Method = Parameters.Text("--method", "NAME", "vlb, the variational bound, term by term.").Completing(Methods);
    private static readonly Option<string?> Variance = Parameters.Text(
        "--variance", "NAME", $"The reverse process's variance: {string.Join(", ", NamedEnum<ReverseVariance>.Names)}. Default: fixed_small.");
    private static readonly Option<int?> Count = Parameters.Number<int>("--count", "N", $"How many images, from the first on. Default: {UsualCount}, or as many as there are.");
    private static readonly Option<int?> TermsPerImage = Parameters.Number<int>(
        "--terms-per-image", "K", "Compute only K of an image's terms, one from each of K stretches of timesteps: unbiased, quicker, with a larger error. Default: all.");
    private static readonly Option<bool> Terms = new("--terms") { Description = "Also print the bound's parts: L_0, the terms by tenths of the timesteps, and L_T." };
    private static readonly Option<string?> Out = Parameters.Text("--out", "FILE.json", "Write everything that was found as JSON, each term included.");
    private static readonly Option<ulong?> Seed = Parameters.Number<ulong>("--seed", "N", "Image i's noise depends on the seed and on i alone. Default: 0.");
    private static readonly Option<string?> Weights = Parameters.Text("--weights", "ema|raw", "The moving average (default) or the weights as training left them.");
    private static readonly Option<string?> DeviceName = Parameters.Device();
    private static readonly Option<int?> Threads = Parameters.Threads();

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        Split.Completing(Splits);
        Variance.Completing([.. NamedEnum<ReverseVariance>.Names]);
        Weights.Completing("ema", "raw");
        var command = new Command("evaluate", "Measures a model on images. Each figure comes with its standard error and the number of images.")
        {
            Model, Data, Split, BitsPerDim, Method, Variance, Count, TermsPerImage, Terms, Out, Seed, Weights, DeviceName, Threads, Parameters.Quiet,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parse)
    {
        var (variance, weights) = Check(parse);
        string model = parse.GetRequiredValue(Model);
        var auto = new DeviceConfig();
        using var device = DeviceChoice.Open(auto with { Name = parse.GetValue(DeviceName) ?? auto.Name, Threads = parse.GetValue(Threads) ?? auto.Threads });
        using var loaded = LoadedModel.Open(model, device, weights, Talk.Warning);
        var data = OpenData(parse, loaded);
        int[]? labels = EvaluatedImages.Labels(data, loaded.Model.Classes, loaded.ClassNames);
        var request = new BoundRequest
        {
            Count = RequestedCount(parse, data),
            Variance = variance,
            TermsPerImage = parse.GetValue(TermsPerImage),
            Clip = loaded.Description.Sampling.Clip.Bound,
            Seed = parse.GetValue(Seed) ?? 0,
        };
        Talk.Line($"{loaded.Text} on {device.Description}: the variational bound of {Talk.Count(request.Count, "image")} of {data.Description}, " +
            $"{(request.TermsPerImage ?? loaded.Model.Process.Schedule.Steps - 1) + 1} evaluations of the network for each");

        var progress = new SamplingProgress("evaluating", "evaluated");
        using var interruption = new Interruption(_ => { });
        var config = loaded.Model.Network.Config;
        var result = BoundEvaluator.Run(
            loaded.Model, request, (first, target) => EvaluatedImages.Read(data, first, config.Height, config.Width, target), labels is null ? null : i => labels[i],
            progress.Report, interruption.Token);
        if (result.Images == 0)
        {
            progress.BreakOff();
            Talk.Warning("Stopped before the first images were done; nothing is known.");
            return interruption.ExitCode;
        }
        if (interruption.ExitCode != 0)
        {
            progress.BreakOff();
            Talk.Warning($"Stopped after {Talk.Count(result.Images, "image")} of {request.Count}; the figures are theirs.");
        }
        Print(parse, new BoundReport(result, request, data.Fingerprint, weights == WeightsChoice.Ema ? "ema" : "raw", loaded.Step));
        return interruption.ExitCode;
    }

    private static void Print(ParseResult parse, BoundReport report)
    {
        if (parse.GetValue(Out) is { } path)
        {
            AtomicFile.Write(DiskFileSystem.Instance, path, stream => JsonSerializer.Serialize(stream, report.ToJson(), EvaluationJson.Default.JsonObject));
        }
        Console.WriteLine(report.Summary);
        if (parse.GetValue(Terms))
        {
            foreach (string line in report.Table())
            {
                Console.WriteLine(line);
            }
        }
    }

    private static (ReverseVariance Variance, WeightsChoice Weights) Check(ParseResult parse)
    {
        var problems = new List<string>();
        if (!parse.GetValue(BitsPerDim))
        {
            problems.Add($"nothing was asked for: give {BitsPerDim.Name}");
        }
        Require(Method, Methods);
        Require(Split, Splits);
        Require(Weights, ["ema", "raw"]);
        Require(Variance, NamedEnum<ReverseVariance>.Names);
        return problems.Count > 0
            ? throw new ConfigurationException(ProblemList.Tell("The model cannot be evaluated", problems))
            : (parse.GetValue(Variance) is { } name ? NamedEnum<ReverseVariance>.Find(name)!.Value : ReverseVariance.FixedSmall,
                parse.GetValue(Weights) == "raw" ? WeightsChoice.Raw : WeightsChoice.Ema);

        void Require(Option<string?> option, IReadOnlyCollection<string> names)
        {
            if (parse.GetValue(option) is { } value && !names.Contains(value))
            {
                problems.Add($"{option.Name} is '{value}'; it must be {string.Join(" or ", names)}{NearestName.Suggestion(value, names)}");
            }
        }
    }

    private static int RequestedCount(ParseResult parse, IDataset data)
    {
        int count = parse.GetValue(Count) ?? Math.Min(UsualCount, data.Count);
        return count >= 1 && count <= data.Count ? count
            : throw new ConfigurationException($"{Count.Name} is {count}, but there are {Talk.Count(data.Count, "image")}: it must be from 1 to {data.Count}.");
    }

    private static IDataset OpenData(ParseResult parse, LoadedModel loaded)
    {
        var model = loaded.Model;
        string? path = parse.GetValue(Data);
        if (path is null)
        {
            var shapes = Datasets.Open(new DataConfig());
            return loaded.Description.Dataset?.Fingerprint == shapes.Fingerprint ? shapes
                : throw new ConfigurationException($"{Data.Name} was left out, but the model was not trained on the built-in shapes: give the images to evaluate it on.");
        }
        var config = new DataConfig { Path = path, Channels = model.Channels };
        var data = Datasets.Open(config, parse.GetValue(Split) switch { "train" => DatasetSplit.Train, "test" => DatasetSplit.Test, _ => DatasetSplit.TestIfAny });
        return (data.Height, data.Width, data.Channels) == (model.Height, model.Width, model.Channels) ? data
            : throw new DataException($"The model is of images of {model.Height}×{model.Width} with {Talk.Count(model.Channels, "channel")}, but those of {path} are " +
                $"{data.Height}×{data.Width} with {data.Channels}. Evaluate it on images like those it was trained on.");
    }
}
