using RawDiffusion.Core;
using RawDiffusion.Pipelines;
using RawDiffusion.Training;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Benchmarks;

/// <summary>An op of a preset's network, forward, backward or of sampling.</summary>
/// <param name="Preset">The preset.</param>
/// <param name="Call">The call.</param>
/// <param name="PerStep">How often a training step does it.</param>
public sealed record PresetOp(string Preset, OpCall Call, int PerStep)
{
    /// <summary>Every different call of the presets' training steps, and of sampling what training does not do; from the real forward and backward.</summary>
    public static IEnumerable<PresetOp> All => [.. Of("mnist", 64, 28, 1), .. Of("cifar10", 8, 32, 3)];

    /// <inheritdoc/>
    public override string ToString() => $"{Preset} {Call.Op} {Call.What}, {PerStep}×";

    private static IEnumerable<PresetOp> Of(string preset, int batch, int side, int channels)
    {
        var data = new DatasetInfo { Height = side, Width = side, Channels = channels, Count = 1, ClassNames = [], Fingerprint = "" };
        var config = Presets.All[preset] with { Dataset = data, Batch = batch };
        var rehearsal = TrainingRehearsal.Of(new TrainingPlan(config, config.Network.FittedTo(side, side, channels, classEmbeddings: null)));
        var training = rehearsal.Step.Select(call => call.Op).ToHashSet();
        return
        [
            .. rehearsal.Step.GroupBy(call => call.ToString()).Select(calls => new PresetOp(preset, calls.First(), calls.Count())),
            .. rehearsal.Sampling.Where(call => !training.Contains(call.Op)).DistinctBy(call => call.ToString()).Select(call => new PresetOp(preset, call, 0)),
        ];
    }
}
