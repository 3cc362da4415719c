using RawDiffusion.Cases;
using RawDiffusion.Core;
using RawDiffusion.Training;

namespace RawDiffusion.GpuBenchmarks;

/// <summary>An op of a network on one set of extents.</summary>
/// <param name="Call">What is called, on tensors of whatever device.</param>
/// <param name="PerStep">How often a training step does it; 0 for what only sampling does.</param>
internal sealed record TimedOp(OpCall Call, int PerStep)
{
    /// <summary>Whether it is made of products, and so depends on the precision.</summary>
    public bool IsProduct => Call.Flops > 0;

    /// <summary>
    /// Every different call of a training step, op by op, and of sampling what training does not do, from the real forward and backward; then, so that
    /// no op is without a time, the largest case of each that the network does not use.
    /// </summary>
    public static IReadOnlyList<TimedOp> Of(TrainingRehearsal rehearsal)
    {
        var training = rehearsal.Step.Select(call => call.Op).ToHashSet();
        var used = rehearsal.Sampling.Select(call => call.Op).Concat(training).ToHashSet();
        return
        [
            .. rehearsal.Step.GroupBy(call => call.ToString()).Select(calls => new TimedOp(calls.First(), calls.Count())).OrderBy(op => op.Call.Op, StringComparer.Ordinal),
            .. rehearsal.Sampling.Where(call => !training.Contains(call.Op)).DistinctBy(call => call.ToString()).Select(call => new TimedOp(call, 0)),
            .. OpCases.All.SelectMany(opCase => opCase.Calls).Where(call => !used.Contains(call.Op)).GroupBy(call => call.Op).Select(calls => new TimedOp(calls.MaxBy(call => call.Bytes)!, 0)),
        ];
    }
}
