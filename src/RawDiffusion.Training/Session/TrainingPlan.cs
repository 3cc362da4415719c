using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;
using RawDiffusion.Storage;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Training;

/// <summary>A configuration brought together with its data: everything is known, and checked, before a device starts.</summary>
/// <param name="Config">The configuration with <see cref="RunConfig.Dataset"/> filled in.</param>
/// <param name="Network">The network that comes of both.</param>
public sealed record TrainingPlan(RunConfig Config, UNetConfig Network)
{
    /// <summary>Brings a configuration and its data together.</summary>
    /// <exception cref="ConfigurationException">Names every problem at once.</exception>
    public static TrainingPlan Resolve(RunConfig config, IDataset data)
    {
        var (means, deviations) = DatasetStatistics.Channels(data);
        var info = new DatasetInfo
        {
            ChannelMeans = means,
            ChannelDeviations = deviations,
            Height = data.Height,
            Width = data.Width,
            Channels = data.Channels,
            Count = data.Count,
            ClassNames = data.ClassNames,
            Fingerprint = data.Fingerprint,
        };
        var problems = new List<string>();
        int? embeddings = config.Conditional ? info.ClassNames.Count + 1 : null;
        UNetConfig network;
        if (config.StartFrom is { } start)
        {
            using var location = ModelLocation.Resolve(start);
            network = location.Diffusers is { } folder ? DiffusersModel.Of(folder).Network : ModelDescription.Of(location.Checkpoint!).Network;
            Require(network.InChannels == info.Channels, $"the model {start} has {network.InChannels} channels, but the images have " +
                $"{info.Channels}{(network.InChannels > info.Channels ? ", and the data brings no condition planes for the rest" : "")}");
            Require(network.OutChannels == info.Channels, $"the model {start} answers {network.OutChannels} channels for images of {info.Channels}, and this " +
                $"training has no loss for {(network.OutChannels > info.Channels ? "the rest (a learned variance?)" : "so few")}");
            Require(network.ClassEmbeddings == embeddings, $"the model {start} has {network.ClassEmbeddings ?? 0} class embeddings, but this run needs " +
                $"{embeddings ?? 0} (the labels and one for no class; 0 for one without labels)");
            int multiple = network.SizeMultiple;
            network = network with { Height = UNetConfig.RoundUp(info.Height, multiple), Width = UNetConfig.RoundUp(info.Width, multiple), Dropout = config.Network.Dropout };
        }
        else
        {
            network = config.Network.FittedTo(info.Height, info.Width, info.Channels, embeddings);
        }
        Require(!config.Conditional || info.ClassNames.Count > 0, "a conditional network needs labels, and the data has none: give it two class folders or more " +
            "(one alone tells nothing) or a file of labels, or train it without (network.conditional=false)");
        if (SampleSize.Problem(config.Sampling.Count, info.Height, info.Width, info.Channels) is { } tooMany)
        {
            problems.Add($"sampling.count: {tooMany}");
        }
        problems.AddRange(network.Problems().Select(problem => problem.ToString()));
        return problems.Count == 0
            ? new TrainingPlan(config with { Dataset = info }, network)
            : throw new ConfigurationException(ProblemList.Tell("The run cannot start", problems));

        void Require(bool condition, string problem)
        {
            if (!condition)
            {
                problems.Add(problem);
            }
        }
    }
}
