using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

public class MemoryTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(1 << 20)]
    [InlineData((1 << 20) + 1)]
    [InlineData(7_000_001)]
    public void BytesSurviveTheTripToTheDeviceAndBack(int bytes)
    {
        using var gpu = TestGpu.Open();
        byte[] values = new byte[bytes];
        new Random(1).NextBytes(values);
        Tensor x = gpu.Make(DType.UInt8, bytes).Upload(values), y = gpu.Make(DType.UInt8, bytes).CopyFrom(x);
        byte[] sent = values;
        values = [.. values];
        Array.Clear(sent);                          // staged: the source is free to change at once
        Assert.Equal(values, y.ToArray<byte>());
        Assert.Equal(new byte[bytes], y.Clear().ToArray<byte>());
    }

    [Fact]
    public void ManySmallUploadsKeepTheirOrderAndContent()
    {
        using var gpu = TestGpu.Open();
        var tensors = Enumerable.Range(0, 40).Select(i => gpu.Make(100_000).Upload(Enumerable.Repeat((float)i, 100_000).ToArray())).ToList();
        for (int i = 0; i < tensors.Count; i++)
        {
            Assert.All(tensors[i].ToArray(), value => Assert.Equal(i, value));
        }
    }

    [Fact]
    public void AFailedAllocationFlushesTheCacheAndIsTriedAgain()
    {
        using var gpu = TestGpu.OpenEmulated(exact: false);
        gpu.Make(1000).Dispose();
        Assert.True(gpu.Device.Memory.CachedBytes > 0);
        EmulatedDriver.FailAllocation(1);
        gpu.Make(5000);
        Assert.Equal(0, gpu.Device.Memory.CachedBytes);
    }

    [Fact]
    public void ADownloadThatNobodyWaitedForIsNotThere()
    {
        using var emulated = TestGpu.OpenEmulated();
        var x = emulated.Upload(5);
        using var pinned = new PinnedMemory(emulated.Stream.Context, 4);
        pinned.Content.Clear();
        emulated.Stream.CopyToPinned(x.Address, pinned.Address, 4);
        Assert.Equal([255, 255, 255, 255], pinned.Content.ToArray());
        emulated.Device.Synchronize();
        Assert.Equal(5, BitConverter.ToSingle(pinned.Content));
    }

    [Fact]
    public void ASourceThatChangesBeforeItsCopyRanIsAnError()
    {
        using var emulated = TestGpu.OpenEmulated();
        var x = emulated.Upload(5);
        using var pinned = new PinnedMemory(emulated.Stream.Context, 4);
        emulated.Stream.CopyFromPinned(pinned.Address, x.Address, 4);
        pinned.Content.Clear();
        Assert.Contains("was changed before the copy had run", Assert.Throws<DeviceException>(emulated.Device.Synchronize).Message);
    }

    [Fact]
    public void PinnedMemoryFreedBeforeItsCopyRanIsAnError()
    {
        using var emulated = TestGpu.OpenEmulated();
        var x = emulated.Upload(5);
        using (var pinned = new PinnedMemory(emulated.Stream.Context, 4))
        {
            emulated.Stream.CopyFromPinned(pinned.Address, x.Address, 4);
        }
        Assert.Contains("memory of a copy was freed before it ran", Assert.Throws<DeviceException>(emulated.Device.Synchronize).Message);
    }

    [Fact]
    public void OutOfMemorySaysWhoAskedForHowMuchAndTheDeviceGoesOn()
    {
        using var gpu = TestGpu.OpenEmulated(exact: false);
        EmulatedDriver.SetMemory(64 << 20);
        var failure = Assert.Throws<DeviceException>(() => new Tensor(gpu.Device, new Shape(20 << 20), null, "GroupNorm"));
        Assert.Contains("GroupNorm asked for 80.0 MiB while 4.0 MiB are in use (peak 4.0 MiB). The largest: the cuBLAS workspace 4.0 MiB. ", failure.Message);
        Assert.Contains("60.0 MiB are free on the device", failure.Message);
        Assert.False(gpu.Device.IsLost);
        Assert.Equal([1f], gpu.Upload(1).ToArray());
    }

    [Fact]
    public void ASteadyStateAllocatesNothing()
    {
        using var gpu = TestGpu.Open(exact: false);
        var device = gpu.Device;
        Tensor x = gpu.Upload([.. Enumerable.Range(0, 1000).Select(i => i * 0.01f)]), y = gpu.Make(1000);
        void Step()
        {
            using var intermediate = new Tensor(device, x.Shape);
            device.Silu(x, intermediate);
            device.SiluBackward(intermediate, x, Sink.Into(y));
            device.LinearCombination(1, y, 1, intermediate, y);
            device.Synchronize();
        }
        Step();
        long raw = device.Memory.RawAllocations;
        long? driver = TestGpu.DriversAllocations();
        for (int i = 0; i < 50; i++)
        {
            Step();
        }
        Assert.Equal((raw, driver), (device.Memory.RawAllocations, TestGpu.DriversAllocations()));
    }

    [Fact]
    public void LaunchesMakeNoGarbage()
    {
        using var gpu = TestGpu.Open(exact: false);
        var device = gpu.Device;
        Tensor x = gpu.Upload(1, 2, 3), y = gpu.Make(3);
        void Launch()
        {
            for (int i = 0; i < 100; i++)
            {
                device.LinearCombination(1, x, 1, x, y);
            }
        }
        Launch();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Launch();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
