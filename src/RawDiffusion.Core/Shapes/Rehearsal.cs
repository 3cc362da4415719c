namespace RawDiffusion.Core;

/// <summary>
/// The memory that a device would need of its own beside the tensors it is given: scratch of its pool for the time of an op, and what it holds beside
/// the pool from its first need on (packed weights, its threads' scratch). A device says it in <see cref="Device.Rehearse(OpCall, Rehearsal)"/>.
/// </summary>
public sealed class Rehearsal
{
    private readonly BufferPool _pool;
    private readonly Dictionary<object, long> _held = [];

    internal Rehearsal(BufferPool pool) => _pool = pool;

    /// <summary>Bytes that are held beside the pool.</summary>
    public long HeldBytes => _held.Values.Sum();

    /// <summary>Rents scratch of the pool, until it is disposed.</summary>
    /// <param name="bytes">How much; none if 0.</param>
    public Scratch Rent(long bytes) => new(_pool, bytes);

    /// <summary>Notes memory beside the pool that grows to the most that was ever asked for.</summary>
    /// <param name="key">Whose it is: a worker, say, or the weights that are packed in it.</param>
    /// <param name="bytes">How much.</param>
    public void Hold(object key, long bytes) => _held[key] = Math.Max(bytes, _held.GetValueOrDefault(key));

    /// <summary>Bytes that are held by keys of one kind.</summary>
    /// <typeparam name="T">The kind.</typeparam>
    public long HeldBy<T>() => _held.Where(entry => entry.Key is T).Sum(entry => entry.Value);

    /// <summary>Rented memory of the pool.</summary>
    public readonly struct Scratch : IDisposable
    {
        private readonly BufferPool _pool;
        private readonly nint _address;
        private readonly long _bytes;

        internal Scratch(BufferPool pool, long bytes)
        {
            (_pool, _bytes) = (pool, bytes);
            _address = bytes == 0 ? 0 : pool.Rent(bytes, "scratch");
        }

        /// <summary>Gives it back.</summary>
        public void Dispose()
        {
            if (_bytes != 0)
            {
                _pool.Return(_address, _bytes);
            }
        }
    }
}

public abstract partial class Device
{
    /// <summary>Says what memory this device needs of its own to do a call, without doing it.</summary>
    /// <param name="call">The call, on tensors of a <see cref="ShapeDevice"/>.</param>
    /// <param name="rehearsal">Takes the answer: rented in the order in which the op would.</param>
    protected internal virtual void Rehearse(OpCall call, Rehearsal rehearsal)
    {
    }

    /// <summary>Whether <see cref="Record"/> sets memory of the pool aside at the second launch, and does the work's ops no more from then on.</summary>
    protected internal virtual bool ReplaysRecordings => false;

    /// <summary>Says what this device rents of its pool as long as it is open.</summary>
    protected internal virtual void RehearseOpening(Rehearsal rehearsal)
    {
    }
}
