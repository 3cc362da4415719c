using RawDiffusion.Core;
using RawDiffusion.Models;
using RawDiffusion.Training.Configuration;
using RawDiffusion.Data;
using RawDiffusion.Training.Inference;
using RawDiffusion.Storage;

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
        var info = new DatasetInfo
        {
            Height = data.Height,
            Width = data.Width,
            Channels = data.Channels,
            Count = data.Count,
            ClassNames = data.ClassNames,
            Fingerprint = data.Fingerprint,
        };
        var problems = new List<string>();
        UNetConfig network;
        if (config.Network.StartFrom is { } start)
        {
            using var location = ModelLocation.Resolve(start);
            network = location.Hub is { } hub ? NetworkMapping.FromHub(hub.UNet) : NetworkMapping.ReadDescription(location.Checkpoint!).Network;
            int? embeddings = config.Network.Conditional ? info.ClassNames.Count + 1 : null;
            Require(network.InChannels == info.Channels, $"the model {start} has {network.InChannels} channels, but the images have {info.Channels}");
            Require(network.ClassEmbeddings == embeddings, $"the model {start} has {network.ClassEmbeddings ?? 0} class embeddings, but this run needs {embeddings ?? 0} (the labels and one for no class; 0 without --conditional)");
            int multiple = network.SizeMultiple;
            network = network with { Height = RoundUp(info.Height, multiple), Width = RoundUp(info.Width, multiple), Dropout = config.Network.Dropout };
        }
        else
        {
            network = NetworkMapping.FromConfig(config with { Dataset = info });
        }
        Require(!config.Network.Conditional || info.ClassNames.Count > 0, "--conditional needs labels, and the data has none; use class folders, or leave it out");
        Require(network.OutChannels == network.InChannels, $"the network's {network.OutChannels} output channels differ from its {network.InChannels} input channels");
        problems.AddRange(network.Problems());
        return problems.Count == 0
            ? new TrainingPlan(config with { Dataset = info }, network)
            : throw new ConfigurationException("The run cannot start: " + string.Join("; ", problems) + ".");

        void Require(bool condition, string problem)
        {
            if (!condition)
            {
                problems.Add(problem);
            }
        }
    }

    /// <summary>The least multiple of <paramref name="multiple"/> that is not below <paramref name="size"/>.</summary>
    public static int RoundUp(int size, int multiple) => (size + multiple - 1) / multiple * multiple;
}
