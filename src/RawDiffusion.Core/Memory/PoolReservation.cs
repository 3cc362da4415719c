namespace RawDiffusion.Core;

/// <summary>
/// Blocks of a <see cref="BufferPool"/> that are set aside for work which is recorded with its addresses and repeated: nobody else gets
/// them until this is disposed.
/// </summary>
public sealed class PoolReservation : IDisposable
{
    private readonly BufferPool _pool;
    private readonly Dictionary<long, Stack<nint>> _free = [];

    internal PoolReservation(BufferPool pool) => _pool = pool;

    /// <summary>Ends the setting aside of further blocks; those that are set aside stay so.</summary>
    public void Seal() => _pool.Seal(this);

    /// <summary>Gives the blocks back to the pool; those still in use go back when their users return them.</summary>
    public void Dispose()
    {
        Seal();
        _pool.Release(this, [.. _free.SelectMany(size => size.Value.Select(address => (size.Key, address)))]);
        _free.Clear();
    }

    internal bool TryTake(long size, out nint address)
    {
        address = 0;
        return _free.TryGetValue(size, out var blocks) && blocks.TryPop(out address);
    }

    internal void Keep(long size, nint address)
    {
        if (!_free.TryGetValue(size, out var blocks))
        {
            _free[size] = blocks = new Stack<nint>();
        }
        blocks.Push(address);
    }
}
