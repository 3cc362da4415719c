namespace RawDiffusion.Training.Configuration;

/// <summary>The keys that a configuration's settings have.</summary>
public static class ConfigurationKeys
{
    /// <summary>Every key that may be set, such as <c>optimizer.ema_decay</c>, in the order of <c>config.json</c>.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        .. ConfigurationDifference.Flatten(RunConfigJson.ToJson(new RunConfig())).Select(leaf => leaf.Key)
            .Where(key => key.Split('.')[0] is not ("format" or "preset" or "dataset")),
    ];
}
