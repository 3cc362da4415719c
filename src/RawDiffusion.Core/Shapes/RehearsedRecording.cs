namespace RawDiffusion.Core;

/// <summary>
/// Recorded work as a <see cref="ShapeDevice"/> does it: the first two launches, for every later one finds the pool as the second left it and does
/// the same again.
/// </summary>
/// <param name="pool">The pool.</param>
/// <param name="setsAside">Whether the second launch sets memory aside, as a device does that records it.</param>
/// <param name="work">The work.</param>
internal sealed class RehearsedRecording(BufferPool pool, bool setsAside, Action work) : Recording([])
{
    private int _launches;
    private PoolReservation? _memory;

    /// <inheritdoc/>
    protected override void LaunchCore()
    {
        switch (_launches++)
        {
            case 0:
            case 1 when !setsAside:
                work();
                break;
            case 1:
                _memory = pool.Reserve();
                work();
                _memory.Seal();
                break;
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _memory?.Dispose();
        base.Dispose();
    }
}
