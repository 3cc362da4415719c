using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

/// <summary>Work that is done as it is at the first launch, recorded as a graph at the second, and replayed from then on.</summary>
internal sealed class ReplayedWork(CudaDevice device, Action work) : Recording([])
{
    // Both ways mark what they write by themselves: the ops at the first launch, the graph at those that follow.
    private bool _hasRun;
    private CudaGraph? _graph;

    protected override void LaunchCore()
    {
        if (_hasRun)
        {
            (_graph ??= device.Capture(work)).Launch();
            return;
        }
        work();
        _hasRun = true;
    }

    public override void Dispose()
    {
        _graph?.Dispose();
        base.Dispose();
    }
}
