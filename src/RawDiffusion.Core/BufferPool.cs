namespace RawDiffusion.Core;

/// <summary>
/// A device's caching allocator. Freed blocks are kept by size class and handed out again, so that from the second training step
/// on nothing is asked of the operating system or the driver. Sizes are rounded up to an eighth of a power of two,
/// at least 256 bytes (above 2 KiB at most 12.5% are lost).
/// A device is driven by one thread at a time, and so is its pool.
/// </summary>
public sealed class BufferPool
{
    private readonly Func<long, nint> _allocate;
    private readonly Action<nint> _free;
    private readonly Dictionary<long, Stack<nint>> _cached = [];
    private readonly Dictionary<nint, PoolReservation> _reserved = [];
    private PoolReservation? _reserving;
    private bool _exact;

    /// <summary>A pool over a raw allocator.</summary>
    /// <param name="allocate">Takes a number of bytes; returns the address of fresh memory, or 0 if there is none.</param>
    /// <param name="free">Gives such memory back.</param>
    public BufferPool(Func<long, nint> allocate, Action<nint> free)
    {
        _allocate = allocate;
        _free = free;
    }

    /// <summary>Bytes in use now.</summary>
    public long LiveBytes { get; private set; }

    /// <summary>The most bytes that were ever in use at once.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Bytes freed and kept for reuse.</summary>
    public long CachedBytes { get; private set; }

    /// <summary>Blocks in use now: zero once everything has been disposed.</summary>
    public int LiveBlocks { get; private set; }

    /// <summary>How often the raw allocator was asked: constant in a steady state.</summary>
    public long RawAllocations { get; private set; }

    /// <summary>
    /// Takes each block from the raw allocator in the very size asked for, and gives it straight back, so that a device which checks
    /// addresses sees every access beyond a tensor's end or after its time. For tests; to be set before the first block is rented.
    /// </summary>
    /// <exception cref="InvalidOperationException">Blocks have been rented.</exception>
    public bool Exact
    {
        get => _exact;
        set => _exact = RawAllocations == 0 ? value : throw new InvalidOperationException("the pool has been used: its blocks are in size classes");
    }

    /// <summary>The bytes that a request for <paramref name="bytes"/> occupies.</summary>
    public static long SizeClass(long bytes)
    {
        const long smallest = 256;
        if (bytes <= smallest)
        {
            return smallest;
        }
        long step = 1L << Math.Max(8, 60 - (int)long.LeadingZeroCount(bytes - 1));
        return (bytes + step - 1) / step * step;
    }

    /// <summary>Memory for <paramref name="bytes"/>; its content is undefined.</summary>
    /// <param name="bytes">The size, above zero.</param>
    /// <param name="owner">What the memory is for, as a message names it.</param>
    /// <exception cref="DeviceException">There is no such memory, also after every cached block was given back.</exception>
    public nint Rent(long bytes, string owner)
    {
        long size = Occupied(bytes);
        if (!(_reserving?.TryTake(size, out nint address) ?? false) && !TryTakeCached(size, out address))
        {
            address = _allocate(size);
            if (address == 0)
            {
                Flush();
                address = _allocate(size);
            }
            RawAllocations++;
        }
        if (address == 0)
        {
            throw new DeviceException(
                $"Out of memory: {owner} asked for {Mebibytes(size)} while {Mebibytes(LiveBytes)} are in use (peak {Mebibytes(PeakBytes)}) and no more " +
                "could be had, also after the cache was flushed. Use a smaller --batch or a smaller network.");
        }
        if (_reserving is not null)
        {
            _reserved[address] = _reserving;
        }
        LiveBytes += size;
        LiveBlocks++;
        PeakBytes = Math.Max(PeakBytes, LiveBytes);
        return address;
    }

    /// <summary>Takes back memory that <see cref="Rent"/> gave for the same number of bytes.</summary>
    public void Return(nint address, long bytes)
    {
        long size = Occupied(bytes);
        LiveBytes -= size;
        LiveBlocks--;
        if (_reserved.TryGetValue(address, out var owner) || (owner = _reserving) is not null)
        {
            _reserved[address] = owner;
            owner.Keep(size, address);
        }
        else
        {
            Recycle(size, address);
        }
    }

    /// <summary>
    /// Sets aside, until the reservation is disposed, all blocks that are rented or returned from now until it is sealed: they are used
    /// again within the reservation only. For work that is recorded with its addresses and repeated later.
    /// </summary>
    /// <exception cref="InvalidOperationException">A reservation is already open.</exception>
    public PoolReservation Reserve() =>
        _reserving = _reserving is null ? new PoolReservation(this) : throw new InvalidOperationException("a reservation is already open: seal it first");

    /// <summary>Gives every cached block back to the raw allocator.</summary>
    public void Flush()
    {
        foreach (var blocks in _cached.Values)
        {
            while (blocks.TryPop(out nint address))
            {
                _free(address);
            }
        }
        CachedBytes = 0;
    }

    /// <summary>Lets <see cref="PeakBytes"/> start again from what is in use now.</summary>
    public void ResetPeak() => PeakBytes = LiveBytes;

    internal void Seal(PoolReservation reservation)
    {
        if (_reserving == reservation)
        {
            _reserving = null;
        }
    }

    internal void Release(PoolReservation reservation, IEnumerable<(long Size, nint Address)> free)
    {
        foreach (var (address, _) in _reserved.Where(r => r.Value == reservation).ToArray())
        {
            _reserved.Remove(address);
        }
        foreach (var (size, address) in free)
        {
            Recycle(size, address);
        }
    }

    private long Occupied(long bytes) => _exact ? bytes : SizeClass(bytes);

    private bool TryTakeCached(long size, out nint address)
    {
        address = 0;
        if (!_cached.TryGetValue(size, out var blocks) || !blocks.TryPop(out address))
        {
            return false;
        }
        CachedBytes -= size;
        return true;
    }

    private void Recycle(long size, nint address)
    {
        if (_exact)
        {
            _free(address);
            return;
        }
        if (!_cached.TryGetValue(size, out var blocks))
        {
            _cached[size] = blocks = new Stack<nint>();
        }
        blocks.Push(address);
        CachedBytes += size;
    }

    private static string Mebibytes(long bytes) => $"{bytes / 1048576.0:0.0} MiB";
}
