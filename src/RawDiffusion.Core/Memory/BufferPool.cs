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
    private readonly Func<long?> _freeBytes;
    private readonly Dictionary<long, Stack<nint>> _cached = [];
    private readonly Dictionary<nint, (long Size, string Owner)> _live = [];
    private readonly Dictionary<nint, PoolReservation> _reserved = [];
    private PoolReservation? _reserving;
    private bool _exact;

    /// <summary>A pool over a raw allocator.</summary>
    /// <param name="allocate">Takes a number of bytes; returns the address of fresh memory, or 0 if there is none.</param>
    /// <param name="free">Gives such memory back.</param>
    /// <param name="freeBytes">How much memory the device has left, for messages; null, or a null result, if it does not know.</param>
    public BufferPool(Func<long, nint> allocate, Action<nint> free, Func<long?>? freeBytes = null)
    {
        _allocate = allocate;
        _free = free;
        _freeBytes = freeBytes ?? (() => null);
    }

    /// <summary>Bytes in use now.</summary>
    public long LiveBytes { get; private set; }

    /// <summary>The most bytes that were ever in use at once.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Bytes freed and kept for reuse.</summary>
    public long CachedBytes { get; private set; }

    /// <summary>Bytes that reservations have set aside and that are not in use.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>Bytes taken from the raw allocator and not given back: in use, kept for reuse, or set aside.</summary>
    public long HeldBytes => LiveBytes + CachedBytes + ReservedBytes;

    /// <summary>Blocks in use now: zero once everything has been disposed.</summary>
    public int LiveBlocks => _live.Count;

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
        if (TryTakeReserved(size, out nint address))
        {
            ReservedBytes -= size;
        }
        else if (!TryTakeCached(size, out address))
        {
            address = Allocate(size, owner);
        }
        if (_reserving is not null)
        {
            _reserved[address] = _reserving;
        }
        _live.Add(address, (size, owner));
        LiveBytes += size;
        PeakBytes = Math.Max(PeakBytes, LiveBytes);
        return address;
    }

    /// <summary>Takes back memory that <see cref="Rent"/> gave for the same number of bytes.</summary>
    /// <exception cref="InvalidOperationException">The memory was not rented, or has been returned before.</exception>
    public void Return(nint address, long bytes)
    {
        long size = Occupied(bytes);
        if (!_live.Remove(address, out var block) || block.Size != size)
        {
            throw new InvalidOperationException($"{bytes} bytes at 0x{address:x} were returned, which were not rented or have been returned before");
        }
        LiveBytes -= size;
        if (_reserved.TryGetValue(address, out var owner) || (owner = _reserving) is not null)
        {
            _reserved[address] = owner;
            owner.Keep(size, address);
            ReservedBytes += size;
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
            ReservedBytes -= size;
            Recycle(size, address);
        }
    }

    private long Occupied(long bytes) => _exact ? bytes : SizeClass(bytes);

    private nint Allocate(long size, string owner)
    {
        RawAllocations++;
        nint address = _allocate(size);
        if (address == 0)
        {
            long cached = CachedBytes;
            Flush();
            address = _allocate(size);
            if (address == 0)
            {
                throw new DeviceException(OutOfMemory(size, owner, cached));
            }
        }
        return address;
    }

    private string OutOfMemory(long size, string owner, long flushed)
    {
        const int named = 5;
        var largest = _live.Values.GroupBy(block => block.Owner).Select(blocks => (Owner: blocks.Key, Count: blocks.Count(), Bytes: blocks.Sum(block => block.Size)))
            .OrderByDescending(blocks => blocks.Bytes).ThenBy(blocks => blocks.Owner, StringComparer.Ordinal).Take(named)
            .Select(blocks => $"{blocks.Owner} {Mebibytes(blocks.Bytes)}{(blocks.Count > 1 ? $" in {blocks.Count} blocks" : "")}");
        string free = _freeBytes() is { } bytes ? $", {Mebibytes(bytes)} are free on the device" : "";
        return $"Out of memory: {owner} asked for {Mebibytes(size)} while {Mebibytes(LiveBytes)} are in use (peak {Mebibytes(PeakBytes)}). The largest: " +
            $"{(LiveBlocks > 0 ? string.Join(", ", largest) : "none")}. {Mebibytes(ReservedBytes)} are set aside for recorded work, {Mebibytes(flushed)} were cached and " +
            $"have been given back{free}. Use a smaller batch or a smaller network, or end other programs that use the device.";
    }

    private bool TryTakeReserved(long size, out nint address)
    {
        address = 0;
        return _reserving?.TryTake(size, out address) ?? false;
    }

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
