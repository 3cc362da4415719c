using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using RawDiffusion.Core;
using RawDiffusion.Pipelines;
using RawDiffusion.Trainer.Terminal;
using RawDiffusion.Training;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Trainer.Commands;

/// <summary><c>rawdiffusion bench</c>.</summary>
internal static partial class BenchCommand
{
    private static readonly Option<string?> Preset = Parameters.Text(
        "--preset", "NAME", $"{string.Join(", ", Presets.All.Keys)}. Default: mnist.").Completing([.. Presets.All.Keys]);
    private static readonly Option<int?> Batch = Parameters.Number<int>("--batch", "N", "Images per training step. Default: the preset's.");
    private static readonly Option<string?> DeviceName = Parameters.Device();
    private static readonly Option<string?> Precision = Parameters.Precision();
    private static readonly Option<int?> Threads = Parameters.Threads();
    private static readonly Option<int?> SampleBatch = Parameters.Number<int>("--sample-batch", "N", "Also time one denoising step of this many images.");
    private static readonly Option<bool> Turns = new("--turns")
    {
        Description = "Time what standard input asks for, so that another program can be timed in between: for each line, \"train\" or a number of images to " +
            "denoise, print a line of milliseconds.",
    };

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("bench", "Times training steps on made-up images, and prints one line of JSON: medians in milliseconds, images per second, peak memory in MiB.")
        {
            Preset, Batch, DeviceName, Precision, Threads, SampleBatch, Turns, Parameters.Quiet,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parse)
    {
        var options = new List<ExplicitOption>();
        if (parse.GetValue(Batch) is { } batch)
        {
            options.Add(new("--batch", "batch", batch));
        }
        if (parse.GetValue(DeviceName) is { } name)
        {
            options.Add(new("--device", "device.name", name));
        }
        if (parse.GetValue(Precision) is { } precision)
        {
            options.Add(new("--precision", "device.precision", precision));
        }
        if (parse.GetValue(Threads) is { } threads)
        {
            options.Add(new("--threads", "device.threads", threads));
        }
        var built = new ConfigurationSources { Preset = parse.GetValue(Preset), Options = options }.Build("mnist");
        var problems = built.Problems.Concat(RunConfigValidation.Problems(built.Config)).ToList();
        int sampleBatch = parse.GetValue(SampleBatch) ?? 0;
        if (sampleBatch < 0)
        {
            problems.Add(new("--sample-batch", $"{sampleBatch}", "at least 0"));
        }
        bool turns = parse.GetValue(Turns);
        if (turns && sampleBatch > 0)
        {
            problems.Add(new("--sample-batch", $"{sampleBatch} beside --turns", "left out: the lines on standard input say what to time"));
        }
        if (problems.Count > 0)
        {
            throw RunConfigJson.Failure(problems);
        }
        var images = Images(built.Config);
        var config = built.Config with { Dataset = images };
        using var device = DeviceChoice.Open(config.Device);
        Talk.Line($"{config.Preset} on {device.Description}, batches of {config.Batch}");
        var network = config.Network.FittedTo(images.Height, images.Width, images.Channels, config.Conditional ? images.ClassNames.Count + 1 : null);
        using var run = new BenchmarkRun(config, network, device);
        if (turns)
        {
            TakeTurns(run);
        }
        else
        {
            Console.WriteLine(JsonSerializer.Serialize(run.Run(sampleBatch), BenchContext.Default.BenchmarkResult));
        }
        return 0;
    }

    /// <summary>Each line that comes in hands over the turn, and the line that answers hands it back.</summary>
    private static void TakeTurns(BenchmarkRun run)
    {
        while (Console.ReadLine() is { } line)
        {
            double milliseconds = line == "train" ? run.TrainStepMs()
                : int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out int images) && images > 0 ? run.DenoiseStepMs(images)
                : throw new ConfigurationException($"'{line}' on standard input is nothing to time: with --turns each line is \"train\" or a number of images to denoise.");
            Console.WriteLine(milliseconds.ToString("R", CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Images such as the preset is made for.</summary>
    private static DatasetInfo Images(RunConfig config)
    {
        var (side, channels) = Presets.Images(config.Preset);
        string[] classes = config.Conditional ? ["0", "1", "2", "3", "4", "5", "6", "7"] : [];
        return new DatasetInfo { Height = side, Width = side, Channels = channels, Count = config.Batch, ClassNames = classes, Fingerprint = "" };
    }

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
    [JsonSerializable(typeof(BenchmarkResult))]
    private sealed partial class BenchContext : JsonSerializerContext;
}
