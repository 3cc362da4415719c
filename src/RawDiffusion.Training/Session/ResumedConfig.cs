using RawDiffusion.Core;
using RawDiffusion.Storage;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Training;

/// <summary>
/// Brings a checkpoint's configuration together with the run's <c>config.json</c>, which a user may have edited: where the data lies, which
/// device to use, when to save and to draw may change; what training computes may not.
/// </summary>
internal static class ResumedConfig
{
    private static readonly string[] MayChange = ["steps", "save_every", "sample_every", "log_every", "keep_checkpoints", "data.path"];
    private static readonly string[] SectionsThatMayChange = ["device.", "sampling.", "dataset."];

    /// <summary>The configuration to go on with.</summary>
    /// <param name="trained">What the checkpoint was trained with.</param>
    /// <param name="folder">The run's folder.</param>
    /// <param name="steps">A new total of steps; null takes the file's.</param>
    /// <param name="done">Steps done.</param>
    /// <exception cref="ConfigurationException">The file asks for another training; lists each difference. Or the total is below what is done.</exception>
    public static RunConfig Of(RunConfig trained, RunFolder folder, long? steps, long done)
    {
        var written = RunConfigJson.FromJson(RunFolder.ReadConfig(folder.Path), folder.ConfigPath);
        var refused = ConfigurationDifference.Between(trained, written)
            .Where(difference => !MayChange.Contains(difference.Key) &&
                !Array.Exists(SectionsThatMayChange, section => difference.Key.StartsWith(section, StringComparison.Ordinal)))
            .ToArray();
        if (refused.Length > 0)
        {
            throw new ConfigurationException(
                $"{folder.ConfigPath} differs from what the run was trained with ({string.Join("; ", refused.Select(difference => difference.ToString()))}). " +
                "Undo that to resume, or start a new run from this one's weights (network.start_from).");
        }
        var config = written with { Dataset = trained.Dataset, Steps = steps ?? written.Steps };
        return config.Steps >= done
            ? config
            : throw new ConfigurationException($"{config.Steps} steps in all were asked for, but the run has done {done} already. Ask for a larger total.");
    }
}
