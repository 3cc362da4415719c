using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Storage;

namespace RawDiffusion.Trainer.Commands;

/// <summary>What is known of a run from its folder, without a look into its checkpoints.</summary>
/// <param name="Run">The folder.</param>
/// <param name="State">running, finished, stopped, or damaged where its files cannot be read.</param>
/// <param name="Step">The last step that was logged or saved; null where there is none.</param>
/// <param name="Steps">Steps to do in all; null where the configuration cannot be read.</param>
/// <param name="Loss">The last finite loss that was logged.</param>
/// <param name="Preset">Where its settings started from.</param>
/// <param name="Changed">When its log, or else its configuration, was last written to; in UTC.</param>
/// <param name="Error">What cannot be read, or null.</param>
internal sealed record RunSummary(string Run, string State, long? Step, long? Steps, double? Loss, string? Preset, DateTime Changed, string? Error)
{
    /// <summary>Looks at a run's folder. The run may be in training meanwhile.</summary>
    public static RunSummary Of(string path)
    {
        string metrics = RunFolder.MetricsOf(path);
        var changed = File.GetLastWriteTimeUtc(File.Exists(metrics) ? metrics : path);
        try
        {
            var config = RunFolder.ReadConfig(path);
            long? steps = Whole(config["steps"]);
            var log = MetricsLog.Read(metrics);
            long? saved = RunFolder.CheckpointsOf(path).Steps() is [.., var newest] ? newest : null;
            bool isRunning = RunFolder.IsInTraining(path);
            long? step = isRunning && log.Count > 0 ? Math.Max(log[^1].Step, saved ?? 0) : saved;
            var told = log.LastOrDefault(line => double.IsFinite(line.Loss) && (isRunning || line.Step <= saved));
            return new RunSummary(path, isRunning ? "running" : saved >= steps ? "finished" : "stopped", step, steps, told.Step > 0 ? told.Loss : null,
                config["preset"] is JsonValue name && name.TryGetValue(out string? preset) ? preset : null, changed, null);
        }
        catch (RawDiffusionException e)
        {
            return new RunSummary(path, "damaged", null, null, null, null, changed, e.Message);
        }
    }

    private static long? Whole(JsonNode? node) => node is JsonValue value && value.TryGetValue(out long number) ? number : null;
}
