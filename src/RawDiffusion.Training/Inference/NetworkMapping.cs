using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Models;
using RawDiffusion.Training.Configuration;
using RawDiffusion.Training;
using RawDiffusion.Storage;

namespace RawDiffusion.Training.Inference;

/// <summary>Translates between a run's configuration, the engine's U-Net configuration and the hub's two configuration files.</summary>
public static class NetworkMapping
{
    /// <summary>The network of a resolved run configuration; image sides are rounded up to what the network's levels need.</summary>
    /// <exception cref="InvalidOperationException">The configuration is not resolved: it has no data set.</exception>
    public static UNetConfig FromConfig(RunConfig config)
    {
        var data = config.Dataset ?? throw new InvalidOperationException("the run's configuration is not resolved: it has no data set");
        var network = config.Network;
        int multiple = 1 << Math.Clamp(network.Channels.Count - 1, 0, 8);
        return new UNetConfig
        {
            Height = TrainingPlan.RoundUp(data.Height, multiple),
            Width = TrainingPlan.RoundUp(data.Width, multiple),
            InChannels = data.Channels,
            OutChannels = data.Channels,
            BlockChannels = network.Channels,
            LayersPerBlock = network.LayersPerBlock,
            DownAttention = Levels(network),
            UpAttention = Levels(network),
            MiddleAttention = network.MiddleAttention,
            AttentionHeadDim = network.AttentionHeadDim,
            NormGroups = network.NormGroups,
            NormEps = network.NormEps,
            TimeScaleShift = network.TimeScaleShift,
            DownsamplePadding = network.DownsamplePadding,
            FlipSinToCos = network.FlipSinToCos,
            FreqShift = network.FreqShift,
            ClassEmbeddings = network.Conditional ? data.ClassNames.Count + 1 : null,
            Dropout = network.Dropout,
        };
    }

    /// <summary>The network of a hub folder.</summary>
    public static UNetConfig FromHub(UNet2DConfig hub) => new()
    {
        Height = hub.SampleSize?.Height ?? 32,
        Width = hub.SampleSize?.Width ?? 32,
        InChannels = hub.InChannels,
        OutChannels = hub.OutChannels,
        BlockChannels = hub.BlockOutChannels,
        LayersPerBlock = hub.LayersPerBlock,
        DownAttention = [.. hub.DownBlockTypes.Select(type => type == UNet2DConfig.AttnDownBlock)],
        UpAttention = [.. hub.UpBlockTypes.Select(type => type == UNet2DConfig.AttnUpBlock).Reverse()],
        MiddleAttention = hub.AddAttention,
        AttentionHeadDim = hub.AttentionHeadDim,
        NormGroups = hub.NormNumGroups,
        AttentionNormGroups = hub.AttnNormNumGroups,
        NormEps = hub.NormEps,
        TimeScaleShift = hub.TimeScaleShift,
        DownsamplePadding = hub.DownsamplePadding,
        FlipSinToCos = hub.FlipSinToCos,
        FreqShift = hub.FreqShift,
        TimeEmbeddingDim = hub.TimeEmbeddingDim,
        ClassEmbeddings = hub.NumClassEmbeds,
        Dropout = hub.Dropout,
        MiddleScale = hub.MidBlockScaleFactor,
    };

    /// <summary>The hub's configuration of a network.</summary>
    public static UNet2DConfig ToHub(UNetConfig network) => new()
    {
        SampleSize = (network.Height, network.Width),
        InChannels = network.InChannels,
        OutChannels = network.OutChannels,
        BlockOutChannels = network.BlockChannels,
        LayersPerBlock = network.LayersPerBlock,
        DownBlockTypes = [.. network.DownAttention.Select(attention => attention ? UNet2DConfig.AttnDownBlock : UNet2DConfig.DownBlock)],
        UpBlockTypes = [.. network.UpAttention.Reverse().Select(attention => attention ? UNet2DConfig.AttnUpBlock : UNet2DConfig.UpBlock)],
        AddAttention = network.MiddleAttention,
        AttentionHeadDim = network.AttentionHeadDim,
        NormNumGroups = network.NormGroups,
        AttnNormNumGroups = network.AttentionNormGroups,
        NormEps = network.NormEps,
        TimeScaleShift = network.TimeScaleShift,
        DownsamplePadding = network.DownsamplePadding,
        FlipSinToCos = network.FlipSinToCos,
        FreqShift = network.FreqShift,
        TimeEmbeddingDim = network.TimeEmbeddingDim,
        NumClassEmbeds = network.ClassEmbeddings,
        Dropout = network.Dropout,
        MidBlockScaleFactor = network.MiddleScale,
    };

    /// <summary>The diffusion process of a hub folder.</summary>
    public static DiffusionConfig FromHub(SchedulerConfig scheduler) => new()
    {
        Timesteps = scheduler.NumTrainTimesteps,
        BetaSchedule = scheduler.BetaSchedule,
        BetaStart = scheduler.BetaStart,
        BetaEnd = scheduler.BetaEnd,
        TrainedBetas = scheduler.TrainedBetas,
        RescaleZeroSnr = scheduler.RescaleBetasZeroSnr,
        Prediction = scheduler.PredictionType,
    };

    /// <summary>The hub's scheduler of a run.</summary>
    public static SchedulerConfig ToHub(DiffusionConfig diffusion, SamplingConfig sampling) => new()
    {
        NumTrainTimesteps = diffusion.Timesteps,
        BetaSchedule = diffusion.BetaSchedule,
        BetaStart = diffusion.BetaStart,
        BetaEnd = diffusion.BetaEnd,
        TrainedBetas = diffusion.TrainedBetas,
        RescaleBetasZeroSnr = diffusion.RescaleZeroSnr,
        PredictionType = diffusion.Prediction,
        VarianceType = sampling.Variance,
        ClipSample = sampling.Clip,
    };

    /// <summary>What a checkpoint's state says of the run and its network: with it a checkpoint describes itself.</summary>
    public static JsonObject Describe(RunConfig config, UNetConfig network) => new()
    {
        ["config"] = RunConfigJson.ToJson(config),
        ["network"] = ToHub(network).ToJson(),
        ["height"] = network.Height,
        ["width"] = network.Width,
    };

    /// <summary>Reads back what <see cref="Describe"/> wrote.</summary>
    /// <exception cref="StorageException">Something is missing.</exception>
    /// <exception cref="ConfigurationException">It was written by a newer version of the program.</exception>
    public static (RunConfig Config, UNetConfig Network) ReadDescription(Checkpoint checkpoint)
    {
        if (checkpoint.State["config"] is not JsonObject config || checkpoint.State["network"] is not JsonObject network ||
            checkpoint.State["height"] is not { } height || checkpoint.State["width"] is not { } width)
        {
            throw new StorageException($"The state.json of {checkpoint.Path} does not describe its network. It was not written by this program; use another checkpoint.");
        }
        string source = Path.Combine(checkpoint.Path, "state.json");
        var hub = FromHub(UNet2DConfig.FromJson(network, source));
        return (RunConfigJson.FromJson(config, source), hub with { Height = height.GetValue<int>(), Width = width.GetValue<int>() });
    }

    private static bool[] Levels(NetworkConfig network)
    {
        foreach (int level in network.AttentionLevels)
        {
            if (level < 0 || level >= network.Channels.Count)
            {
                throw new ConfigurationException($"network.attention_levels names level {level}, but the network has levels 0 to {network.Channels.Count - 1}.");
            }
        }
        return [.. Enumerable.Range(0, network.Channels.Count).Select(network.AttentionLevels.Contains)];
    }
}
