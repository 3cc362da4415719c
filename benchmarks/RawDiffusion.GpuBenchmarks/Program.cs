using System.CommandLine;
using RawDiffusion.Core;
using RawDiffusion.GpuBenchmarks;
using RawDiffusion.Pipelines;
using RawDiffusion.Training;
using RawDiffusion.Training.Configuration;

// `RawDiffusion.GpuBenchmarks --batch 128 --out kernels.jsonl`
var batch = new Option<int>("--batch") { Description = "Images per training step.", HelpName = "N", DefaultValueFactory = _ => 128 };
var sampleBatches = new Option<int[]>("--sample-batch") { Description = "Images per denoising step, one or more.", HelpName = "N", DefaultValueFactory = _ => [1, 16, 256], AllowMultipleArgumentsPerToken = true };
var output = new Option<string>("--out") { Description = "Takes every figure as a line of JSON.", HelpName = "FILE", DefaultValueFactory = _ => "kernels.jsonl" };
var quick = new Option<bool>("--quick") { Description = "A tiny network and a few rounds: shows that it runs, not how fast." };
var root = new RootCommand("Times every op of the cifar10 network on a GPU against the GPU's own ceilings, and the launches of whole steps.") { batch, sampleBatches, output, quick };
root.SetAction(parse =>
{
    bool isQuick = parse.GetValue(quick);
    var config = Presets.All["cifar10"];
    var network = isQuick ? config.Network with { BlockChannels = [8, 16], NormGroups = 4, AttentionLevels = [1], LayersPerBlock = 1 } : config.Network;
    int side = isQuick ? 8 : 32;
    int[] batches = [parse.GetValue(batch), .. parse.GetValue(sampleBatches)!];
    try
    {
        if (batches.Min() < 1)
        {
            throw new ConfigurationException($"--batch or --sample-batch is {batches.Min()}; both must be at least 1.");
        }
        using var report = new Report(parse.GetValue(output)!);
        var images = new DatasetInfo { Height = side, Width = side, Channels = 3, Count = 1, ClassNames = [], Fingerprint = "" };
        new Benchmark(new TrainingPlan(config with { Dataset = images }, network.FittedTo(side, side, 3, classEmbeddings: null)), isQuick, report).Run(isQuick ? 2 : batches[0], isQuick ? [1] : batches[1..]);
        return 0;
    }
    catch (RawDiffusionException e)
    {
        Console.Error.WriteLine($"error: {e.Message}");
        return e switch { ConfigurationException => 2, DeviceException => 4, _ => 1 };
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine($"error: --out cannot be written: {e.Message} Name a file in a folder that exists.");
        return 6;
    }
});
return root.Parse(args).Invoke();
