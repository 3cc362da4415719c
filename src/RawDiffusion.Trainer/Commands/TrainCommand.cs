using System.CommandLine;
using System.CommandLine.Completions;
using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Models;
using RawDiffusion.Storage;
using RawDiffusion.Trainer.Terminal;
using RawDiffusion.Training;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Trainer.Commands;

/// <summary><c>rawdiffusion train</c>.</summary>
internal static class TrainCommand
{
    private static readonly Option<string?> Data = Parameters.Text("--data", "PATH",
        "The images: a folder with MNIST's four IDX files (.gz or not), CIFAR-10's binary batches, or a folder, zip or tar of images, where class folders give labels and train/ " +
        "is used if it exists. Left out: built-in coloured shapes.");
    private static readonly Option<string?> Preset = Parameters.Text("--preset", "NAME",
        $"Where all settings start from: {string.Join(", ", Presets.All.Keys)}. Left out: shapes without --data; with it mnist for grey images of at most " +
            $"28×28, otherwise cifar10.").Completing([.. Presets.All.Keys]);
    private static readonly Option<long?> Steps = Parameters.Number<long>("--steps", "N", "Training steps in all.");
    private static readonly Option<int?> Batch = Parameters.Number<int>("--batch", "N", "Images per step.");
    private static readonly Option<double?> LearningRate = Parameters.Number<double>("--lr", "X", "The learning rate after warm-up.");
    private static readonly Option<ulong?> Seed = Parameters.Number<ulong>("--seed", "N", "The seed of everything random; the same seed trains to the same bits.");
    private static readonly Option<string?> Out = Parameters.Text("--out", "RUN", "The run's folder. Left out: the next free one, such as runs/0001-shapes.");
    private static readonly Option<string?> DeviceName = Parameters.Device();
    private static readonly Option<string?> Precision = Parameters.Precision();
    private static readonly Option<int?> Threads = Parameters.Threads();
    private static readonly Option<string?> ConfigPath = Parameters.Text("--config", "FILE", "A JSON file with any of the settings, such as another run's " +
        "config.json. Options go before it.");
    private static readonly Option<string[]> Settings = new("--set")
    {
        HelpName = "key=value",
        Description = "Any setting by its name in config.json, such as --set optimizer.ema_decay=0.999 --set network.channels=[32,64]. May be repeated; goes " +
            "before everything else.",
    };
    private static readonly Option<long?> SaveEvery = Parameters.Number<long>("--save-every", "N", "Steps between checkpoints; the last step is always saved.");
    private static readonly Option<long?> SampleEvery = Parameters.Number<long>("--sample-every", "N", "Steps between pictures of samples; the last step always " +
        "draws one, 0 draws none before.");
    private static readonly Option<bool> Conditional = new("--conditional")
    {
        Description = "Learn the data's labels, for `sample --class NAME --guidance S`. " +
        "On in preset shapes."
    };
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Check everything, print the resolved config.json, and stop." };

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("train",
            "Trains a model. The run's folder gets config.json, metrics.jsonl, samples/, checkpoints/ and a picture of the loss curve. " +
            "Ctrl+C saves and stops; `rawdiffusion resume RUN` goes on to the same bits.")
        {
            Data, Preset, Steps, Batch, LearningRate, Seed, Out, DeviceName, Precision, Threads, ConfigPath, Settings, SaveEvery, SampleEvery, Conditional, DryRun,
            Parameters.Quiet,
        };
        Settings.CompletionSources.Add(_ => ConfigurationKeys.All.Select(key => new CompletionItem(key + "=")));
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parse)
    {
        var sources = Sources(parse);
        var config = Checked(sources, Presets.Default);
        var data = Datasets.Open(config.Data);
        if (sources.NamedPreset is null && config.Data.Path is not null)
        {
            config = Checked(sources, Presets.ForImages(data.Height, data.Width, data.Channels));
        }
        // Absolute, so that the run can be resumed from anywhere.
        config = config with { Data = config.Data with { Path = config.Data.Path is { } path ? Path.GetFullPath(path) : null } };
        var plan = TrainingPlan.Resolve(config, data);
        if (parse.GetValue(DryRun))
        {
            Describe(plan, data);
            return 0;
        }
        using var device = DeviceChoice.Open(config.Device);
        if (config.Conditional)
        {
            Talk.Line($"labels: {ClassNames.Describe(data.ClassNames, data.ClassNames.Count)}");
        }
        using var folder = RunFolder.Create(parse.GetValue(Out), config.Preset, Talk.Warning);
        var display = ITrainingDisplay.For(device.Description);
        return TrainingRun.Of(display, () => TrainingSession.Start(plan, device, data, folder, [display]));
    }

    private static ConfigurationSources Sources(ParseResult parse)
    {
        var options = new List<ExplicitOption>();
        void Add(Option option, string key, JsonNode? value)
        {
            if (parse.GetResult(option) is { Implicit: false })
            {
                options.Add(new ExplicitOption(option.Name, key, value));
            }
        }
        Add(Data, "data.path", parse.GetValue(Data));
        Add(Steps, "steps", parse.GetValue(Steps));
        Add(Batch, "batch", parse.GetValue(Batch));
        // JSON has no words for NaN and infinity; as text they are refused like any other text.
        Add(LearningRate, "optimizer.learning_rate", parse.GetValue(LearningRate) is { } rate ? double.IsFinite(rate) ? rate : rate.ToString() : null);
        Add(Seed, "seed", parse.GetValue(Seed));
        Add(DeviceName, "device.name", parse.GetValue(DeviceName));
        Add(Precision, "device.precision", parse.GetValue(Precision));
        Add(Threads, "device.threads", parse.GetValue(Threads));
        Add(SaveEvery, "save_every", parse.GetValue(SaveEvery));
        Add(SampleEvery, "sample_every", parse.GetValue(SampleEvery));
        Add(Conditional, "network.conditional", parse.GetValue(Conditional));
        return new ConfigurationSources
        {
            Preset = parse.GetValue(Preset),
            File = parse.GetValue(ConfigPath) is { } path ? ReadFile(path) : null,
            Options = options,
            Settings = parse.GetValue(Settings) ?? [],
        };
    }

    private static ConfigurationFile ReadFile(string path)
    {
        if (Directory.Exists(path))
        {
            string inside = Path.Combine(path, "config.json");
            throw new ConfigurationException(
                $"The configuration file {path} is a folder. {(File.Exists(inside) ? $"Did you mean {inside}?" : "Name a JSON file, such as a run's config.json.")}");
        }
        try
        {
            return new ConfigurationFile(path, RunConfigJson.ParseObject(File.ReadAllText(path), path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"The configuration file {path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The configuration, if nothing at all is wrong with it.</summary>
    private static RunConfig Checked(ConfigurationSources sources, string presetIfUnnamed)
    {
        var built = sources.Build(presetIfUnnamed);
        ConfigurationProblem[] problems = [.. built.Problems, .. RunConfigValidation.Problems(built.Config)];
        if (problems.Length == 0)
        {
            return built.Config;
        }
        var failure = RunConfigJson.Failure(problems);
        bool isLost = Array.Exists(problems, problem => problem.Words?.Contains("there is no key", StringComparison.Ordinal) == true);
        throw isLost ? new ConfigurationException($"{failure.Message}{(problems.Length == 1 ? " " : "\n")}`rawdiffusion train --dry-run` prints all keys.") : failure;
    }

    private static void Describe(TrainingPlan plan, IDataset data)
    {
        Console.WriteLine(RunConfigJson.ToText(plan.Config));
        Talk.Line($"data: {data.Description}");
        if (plan.Config.Conditional)
        {
            Talk.Line($"labels: {ClassNames.Describe(data.ClassNames, data.ClassNames.Count)}");
        }
        Talk.Line($"network: {new UNet(plan.Network).Parameters.Sum(parameter => parameter.Shape.Count):N0} parameters on " +
            $"{plan.Network.Height}×{plan.Network.Width}×{plan.Network.InChannels} images");
        DescribeMemory(plan);
    }

    /// <summary>Says what the run will take of the device that it would train on, or, where that is not here, what its tensors take on any.</summary>
    private static void DescribeMemory(TrainingPlan plan)
    {
        // What the program has until now, with its data, stays.
        long program = Environment.WorkingSet;
        try
        {
            using var device = DeviceChoice.Open(plan.Config.Device);
            var memory = TrainingRehearsal.Of(plan, device);
            Talk.Line(
                $"memory: {Talk.Bytes(memory.Bytes)} on {device.Description}, with batches of {plan.Config.Batch}: " +
                $"{Talk.Bytes(memory.PoolBytes)} for tensors, " +
                $"of which at most {Talk.Bytes(memory.PeakBytes)} are in use at once, and {Talk.Bytes(memory.HeldBytes)} for packed weights and scratch; " +
                $"beside that, the program with its data has {Talk.Bytes(program)}");
        }
        catch (DeviceException e)
        {
            Talk.Line($"memory: {Talk.Bytes(TrainingRehearsal.Of(plan).Bytes)} for tensors, with batches of {plan.Config.Batch}, and what the device needs of " +
                $"its own, which cannot be asked here: {e.Message}");
        }
    }
}
