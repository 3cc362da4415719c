using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Storage;

namespace RawDiffusion.Pipelines;

/// <summary>Translates between a run's configuration, the engine's U-Net configuration and the hub's two configuration files.</summary>
public static class NetworkMapping
{
    /// <summary>The network for a data set; image sides are rounded up to what the network's levels need.</summary>
    /// <param name="network">What the configuration says.</param>
    /// <param name="data">What the data says.</param>
    /// <exception cref="ConfigurationException">Attention at a level that there is not.</exception>
    public static UNetConfig FromConfig(NetworkConfig network, DatasetInfo data)
    {
        int multiple = 1 << Math.Clamp(network.Channels.Count - 1, 0, 8);
        return new UNetConfig
        {
            Height = UNetConfig.RoundUp(data.Height, multiple),
            Width = UNetConfig.RoundUp(data.Width, multiple),
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
        BetaSchedule = NamedEnum<BetaSchedule>.Find(scheduler.BetaSchedule)!.Value,
        BetaStart = scheduler.BetaStart,
        BetaEnd = scheduler.BetaEnd,
        TrainedBetas = scheduler.TrainedBetas,
        RescaleZeroSnr = scheduler.RescaleBetasZeroSnr,
        Prediction = NamedEnum<Prediction>.Find(scheduler.PredictionType)!.Value,
    };

    /// <summary>The hub's scheduler of a run.</summary>
    public static SchedulerConfig ToHub(DiffusionConfig diffusion, SamplingConfig sampling) => new()
    {
        NumTrainTimesteps = diffusion.Timesteps,
        BetaSchedule = NamedEnum<BetaSchedule>.NameOf(diffusion.BetaSchedule),
        BetaStart = diffusion.BetaStart,
        BetaEnd = diffusion.BetaEnd,
        TrainedBetas = diffusion.TrainedBetas,
        RescaleBetasZeroSnr = diffusion.RescaleZeroSnr,
        PredictionType = PredictionType(diffusion.Prediction),
        VarianceType = NamedEnum<ReverseVariance>.NameOf(sampling.Variance),
        ClipSample = sampling.Clip.IsOn,
    };

    private static string PredictionType(Prediction prediction) => prediction != Prediction.PosteriorMean
        ? NamedEnum<Prediction>.NameOf(prediction)
        : throw new ConfigurationException("The format has no name for networks that predict the posterior's mean; it knows epsilon, sample (x0) and v_prediction. Such " +
            "a model cannot be exported.");

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
