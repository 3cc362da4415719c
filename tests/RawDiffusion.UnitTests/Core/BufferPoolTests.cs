using RawDiffusion.Core;

namespace RawDiffusion.UnitTests;

public class BufferPoolTests
{
    [Theory]
    [InlineData(1, 256)]
    [InlineData(256, 256)]
    [InlineData(257, 512)]
    [InlineData(2048, 2048)]
    [InlineData(2049, 2304)]
    [InlineData(4096, 4096)]
    [InlineData(4097, 4608)]
    [InlineData(1 << 20, 1 << 20)]
    [InlineData((1 << 20) + 1, 9 << 17)]
    [InlineData((1L << 40) + 1, 9L << 37)]
    public void SizesAreRoundedUpToAnEighthOfAPowerOfTwo(long bytes, long size) => Assert.Equal(size, BufferPool.SizeClass(bytes));

    [Fact]
    public void ASizeClassHoldsItsRequestAndIsItsOwnClass()
    {
        for (long bytes = 1; bytes < 1L << 40; bytes += bytes / 7 + 1)
        {
            long size = BufferPool.SizeClass(bytes);
            Assert.True(size >= bytes && size % 256 == 0, $"{bytes} → {size}");
            Assert.True(bytes <= 2048 || size <= bytes * 1.125, $"{bytes} → {size}");
            Assert.Equal(size, BufferPool.SizeClass(size));
        }
    }

    [Fact]
    public void AReturnedBlockIsHandedOutAgainToItsSizeClassOnly()
    {
        var memory = new RawMemory();
        var pool = new BufferPool(memory.Allocate, memory.Free);
        nint first = pool.Rent(1000, "first");
        pool.Return(first, 1000);
        Assert.NotEqual(first, pool.Rent(3000, "another size"));
        Assert.Equal(first, pool.Rent(900, "the same class"));
        Assert.Equal(2, pool.RawAllocations);
        Assert.Empty(memory.Freed);
    }

    [Fact]
    public void CountsWhatIsInUseAndWhatIsCached()
    {
        var memory = new RawMemory();
        var pool = new BufferPool(memory.Allocate, memory.Free);
        nint a = pool.Rent(256, "a"), b = pool.Rent(500, "b");
        Assert.Equal((2, 768L, 768L, 0L), (pool.LiveBlocks, pool.LiveBytes, pool.PeakBytes, pool.CachedBytes));
        pool.Return(b, 500);
        Assert.Equal((1, 256L, 768L, 512L), (pool.LiveBlocks, pool.LiveBytes, pool.PeakBytes, pool.CachedBytes));
        pool.ResetPeak();
        Assert.Equal(256, pool.PeakBytes);
        pool.Return(a, 256);
        Assert.Equal((0, 0L, 768L), (pool.LiveBlocks, pool.LiveBytes, pool.CachedBytes));
        pool.Flush();
        Assert.Equal(0, pool.CachedBytes);
        Assert.Equal([a, b], memory.Freed.Order());
    }

    [Fact]
    public void AFullDeviceIsAskedAgainAfterTheCacheWasFlushed()
    {
        var memory = new RawMemory { Capacity = 1024 };
        var pool = new BufferPool(memory.Allocate, memory.Free);
        nint cached = pool.Rent(1024, "what is cached");
        pool.Return(cached, 1024);
        nint block = pool.Rent(512, "what needs the room");
        Assert.Equal([cached], memory.Freed);
        Assert.Equal((1, 512L, 0L), (pool.LiveBlocks, pool.LiveBytes, pool.CachedBytes));
        pool.Return(block, 512);
    }

    [Fact]
    public void RunningOutOfMemoryNamesWhoAskedForHowMuchAndWhoHoldsTheRest()
    {
        var memory = new RawMemory { Capacity = 32 << 20 };
        var pool = new BufferPool(memory.Allocate, memory.Free, () => memory.Capacity - memory.Used);
        pool.Rent(3 << 20, "GroupNorm");
        pool.Rent(4 << 20, "weights");
        pool.Rent(2 << 20, "GroupNorm");
        for (int i = 1; i <= 4; i++)
        {
            pool.Rent(i << 10, $"small {i}");
        }
        pool.Return(pool.Rent(6 << 20, "gone"), 6 << 20);
        using (var reservation = pool.Reserve())
        {
            pool.Return(pool.Rent(7 << 20, "a recorded step"), 7 << 20);
            reservation.Seal();
            Assert.Equal(7 << 20, pool.ReservedBytes);
            var error = Assert.Throws<DeviceException>(() => pool.Rent(20 << 20, "Conv2d"));
            Assert.Equal(
                "Out of memory: Conv2d asked for 20.0 MiB while 9.0 MiB are in use (peak 16.0 MiB). The largest: GroupNorm 5.0 MiB in 2 blocks, weights 4.0 MiB, " +
                "small 4 0.0 MiB, small 3 0.0 MiB, small 2 0.0 MiB. 7.0 MiB are set aside for recorded work, 6.0 MiB were cached and have been given back, " +
                "16.0 MiB are free on the device. Use a smaller batch or a smaller network, or end other programs that use the device.",
                error.Message);
        }
        // The failure counts as nothing in use, and the pool still works.
        Assert.Equal((7, 0L), (pool.LiveBlocks, pool.ReservedBytes));
        Assert.NotEqual(0, pool.Rent(1 << 20, "something smaller"));
    }

    [Fact]
    public void OutOfMemoryOnADeviceThatDoesNotKnowWhatIsFree()
    {
        var pool = new BufferPool(_ => 0, _ => { });
        string message = Assert.Throws<DeviceException>(() => pool.Rent(1 << 20, "weights")).Message;
        Assert.Contains("weights asked for 1.0 MiB while 0.0 MiB are in use (peak 0.0 MiB). The largest: none.", message);
        Assert.DoesNotContain("free on the device", message);
    }

    [Fact]
    public void WhatWasNotRentedCannotBeReturned()
    {
        var memory = new RawMemory();
        var pool = new BufferPool(memory.Allocate, memory.Free);
        nint block = pool.Rent(1000, "once");
        Assert.Throws<InvalidOperationException>(() => pool.Return(block + 256, 1000));
        pool.Return(block, 1000);
        Assert.Throws<InvalidOperationException>(() => pool.Return(block, 1000));
        Assert.Equal((0L, 1024L), (pool.LiveBytes, pool.CachedBytes));
    }

    [Fact]
    public void AReservationKeepsItsBlocksToItself()
    {
        var memory = new RawMemory();
        var pool = new BufferPool(memory.Allocate, memory.Free);
        nint before = pool.Rent(1000, "rented before");
        var reservation = pool.Reserve();
        nint inside = pool.Rent(1000, "within");
        pool.Return(inside, 1000);
        Assert.Equal(inside, pool.Rent(1000, "within, again"));
        nint kept = pool.Rent(1000, "returned later");
        pool.Return(before, 1000);
        pool.Return(inside, 1000);
        reservation.Seal();
        nint outside = pool.Rent(1000, "outside");
        pool.Return(kept, 1000);
        nint other = pool.Rent(1000, "outside, too");
        Assert.DoesNotContain(outside, (nint[])[before, inside, kept]);
        Assert.DoesNotContain(other, (nint[])[before, inside, kept]);
        reservation.Dispose();
        Assert.Contains(pool.Rent(1000, "after"), (nint[])[before, inside, kept]);
        pool.Flush();
        Assert.Equal(3, pool.LiveBlocks);
        Assert.Equal(2, memory.Freed.Count);
    }

    [Fact]
    public void ABlockStillInUseWhenItsReservationGoesReturnsToThePool()
    {
        var memory = new RawMemory();
        var pool = new BufferPool(memory.Allocate, memory.Free);
        nint block;
        using (pool.Reserve())
        {
            block = pool.Rent(1000, "kept");
            Assert.Throws<InvalidOperationException>(pool.Reserve);
        }
        pool.Return(block, 1000);
        Assert.Equal(block, pool.Rent(1000, "next"));
    }

    [Fact]
    public void AnExactPoolPassesSizesOnAndKeepsNothing()
    {
        var memory = new RawMemory { Capacity = 101 };
        var pool = new BufferPool(memory.Allocate, memory.Free) { Exact = true };
        nint block = pool.Rent(101, "all there is");
        Assert.Equal(101, pool.LiveBytes);
        pool.Return(block, 101);
        Assert.Equal([block], memory.Freed);
        Assert.Throws<InvalidOperationException>(() => pool.Exact = false);
    }

    /// <summary>An allocator of a fixed capacity that hands out addresses without memory behind them.</summary>
    private sealed class RawMemory
    {
        private readonly Dictionary<nint, long> _blocks = [];
        private nint _next = 4096;

        public long Capacity { get; init; } = long.MaxValue;

        public long Used => _blocks.Values.Sum();

        public List<nint> Freed { get; } = [];

        public nint Allocate(long bytes)
        {
            if (Used + bytes > Capacity)
            {
                return 0;
            }
            nint address = _next;
            _next += (nint)bytes;
            _blocks.Add(address, bytes);
            return address;
        }

        public void Free(nint address)
        {
            Assert.True(_blocks.Remove(address), "freed twice, or never allocated");
            Freed.Add(address);
        }
    }
}
