using System.Collections;
using RawDiffusion.Training;

namespace RawDiffusion;

/// <summary>
/// Training that goes on as its reports are asked for, with <c>foreach</c> or <c>await foreach</c>; whoever stops asking stops it. The work is
/// done on the thread that asks: a device is driven by one thread at a time.
/// </summary>
public sealed class TrainingReports : IEnumerable<StepReport>, IAsyncEnumerable<StepReport>
{
    private readonly Func<IEnumerator<StepReport>> _train;

    internal TrainingReports(Func<IEnumerator<StepReport>> train) => _train = train;

    /// <inheritdoc/>
    public IEnumerator<StepReport> GetEnumerator() => _train();

    /// <inheritdoc/>
    public IAsyncEnumerator<StepReport> GetAsyncEnumerator(CancellationToken cancellationToken = default) => new OnThisThread(_train(), cancellationToken);

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private sealed class OnThisThread(IEnumerator<StepReport> reports, CancellationToken stop) : IAsyncEnumerator<StepReport>
    {
        public StepReport Current => reports.Current;

        public ValueTask<bool> MoveNextAsync()
        {
            stop.ThrowIfCancellationRequested();
            return ValueTask.FromResult(reports.MoveNext());
        }

        public ValueTask DisposeAsync()
        {
            reports.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
