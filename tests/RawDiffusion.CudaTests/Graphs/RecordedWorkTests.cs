using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Testing;
using RawDiffusion.Training;

namespace RawDiffusion.CudaTests;

/// <summary>
/// Work is done once before it is recorded, as cuBLAS brings a kernel to the GPU when it is first launched, and a driver before CUDA 12.3 cannot
/// do that while a stream records; and a recording that runs out of memory gives nothing back to the driver before it has ended.
/// </summary>
public class RecordedWorkTests
{
    private const int LastThatCannotLoad = 12020, FirstThatCan = 12030;

    [Fact]
    public void TheFirstLaunchDoesTheWorkTheSecondRecordsItAndTheThirdReplaysIt()
    {
        using var gpu = TestGpu.Open(exact: false);
        var x = gpu.Upload(1, 2);
        int calls = 0;
        using var work = gpu.Device.Record(() =>
        {
            calls++;
            gpu.Device.LinearCombination(2, x, 0, null, x);
        });
        Assert.Equal(0, calls);
        foreach (int expected in (int[])[1, 2, 2, 2])
        {
            work.Launch();
            Assert.Equal(expected, calls);
        }
        Assert.Equal([16f, 32f], x.ToArray());
    }

    [Fact]
    public void WorkThatFailsAtFirstIsDoneBeforeItIsRecorded()
    {
        using var emulated = TestGpu.OpenEmulated(driverVersion: LastThatCannotLoad);
        var x = emulated.Upload(1, 2);
        int calls = 0;
        using var work = emulated.Device.Record(() =>
        {
            if (++calls == 1)
            {
                throw new InvalidOperationException("as ordered");
            }
            emulated.Device.LinearCombination(2, x, 0, null, x);
        });
        Assert.Throws<InvalidOperationException>(work.Launch);
        work.Launch();
        work.Launch();
        work.Launch();
        Assert.Equal([8f, 16f], x.ToArray());
        Assert.Equal(3, calls);
    }

    /// <summary>Nothing is compiled ahead here, so that all kernels, not those of products alone, come to the GPU on their first use.</summary>
    [Fact]
    public void ADriverThatCannotLoadWhileRecordingTrains()
    {
        TestGpu.RequireEmulated();
        Assert.Equal(Train(FirstThatCan, graphs: false), Train(LastThatCannotLoad, graphs: true));

        static StepResult[] Train(int version, bool graphs)
        {
            EmulatedDriver.Start();
            EmulatedDriver.SetDriverVersion(version);
            using var device = new CudaDevice(TestGpu.Options with { Graphs = graphs });
            using var training = new TinyTraining(device, TinyTraining.Network(side: 8, 4));
            return [.. Enumerable.Range(0, 3).Select(training.Run)];
        }
    }

    [Theory]
    [InlineData(LastThatCannotLoad, false)]
    [InlineData(FirstThatCan, true)]
    public void TheFirstProductOfAKindIsRecordedOnlyByDriversThatCanLoadMeanwhile(int version, bool can)
    {
        using var emulated = TestGpu.OpenEmulated(driverVersion: version);
        Tensor a = emulated.Upload(1, 2, 3, 4), b = emulated.Upload(5, 6, 7, 8), c = emulated.Make(4);
        void Product() => emulated.Device.Blas.Multiply(false, false, 2, 2, 2, 1, a.Address, 2, b.Address, 2, 0, c.Address, 2);
        if (!can)
        {
            string message = Assert.Throws<DeviceException>(() => emulated.Device.Capture(Product)).Message;
            Assert.Contains("failed: CUBLAS_STATUS_EXECUTION_FAILED (the function failed to launch on the GPU). While a CUDA graph is recorded, this driver, for CUDA 12.2, ", message);
            Assert.EndsWith("Run the same work once before it is recorded, or update the driver.", message);
            Product();
        }
        // Of the same kind, but turned: another kernel.
        using var graph = emulated.Device.Capture(Product);
        graph.Launch();
        Assert.Equal([19f, 22f, 43f, 50f], c.ToArray());
        void Turned() => emulated.Device.Blas.Multiply(true, false, 2, 2, 2, 1, a.Address, 2, b.Address, 2, 0, c.Address, 2);
        Assert.Equal(can, Record.Exception(() => emulated.Device.Capture(Turned).Dispose()) is null);
    }

    [Theory]
    [InlineData(LastThatCannotLoad, false)]
    [InlineData(FirstThatCan, true)]
    public void KernelsAreBroughtToTheGpuWhileRecordingOnlyByDriversThatCan(int version, bool can)
    {
        using var emulated = TestGpu.OpenEmulated(driverVersion: version);
        var x = emulated.Upload(0, 0);
        if (!can)
        {
            string message = Assert.Throws<DeviceException>(() => emulated.Device.Capture(() => emulated.Device.Silu(x, x))).Message;
            Assert.Contains("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", message);
            Assert.EndsWith("Run the same work once before it is recorded, or update the driver.", message);
            emulated.Device.Silu(x, x);
        }
        using var graph = emulated.Device.Capture(() => emulated.Device.Silu(x, x));
        graph.Launch();
        Assert.Equal([0f, 0f], x.ToArray());
    }

    /// <summary>Tensors and modules alike: the cache is given back between two recordings.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ARecordingThatRunsOutOfMemoryIsMadeAnewOnceTheCacheHasBeenGivenBack(bool module)
    {
        using var emulated = TestGpu.OpenEmulated(exact: false);
        var device = emulated.Device;
        Tensor x = emulated.Upload(1, 2), y = emulated.Make(2);
        device.LinearCombination(1, x, 0, null, y);
        emulated.Make(1 << 16).Dispose();
        device.Synchronize();
        Assert.True(device.Memory.CachedBytes > 0);
        long kept = EmulatedDriver.LiveAllocations();
        int calls = 0;
        EmulatedDriver.FailAllocation(1);
        using var graph = device.Capture(() =>
        {
            calls++;
            if (module)
            {
                device.SumPositions(x.Slice(0, new Shape(1, 1, 2)), Sink.Into(y.Slice(0, new Shape(1, 2))));
            }
            else
            {
                using var between = new Tensor(device, new Shape(1 << 12));
                device.LinearCombination(3, x, 0, null, between.Slice(0, x.Shape));
                device.LinearCombination(2, between.Slice(0, x.Shape), 0, null, y);
            }
        });
        Assert.Equal((2, 0), (calls, device.Memory.CachedBytes));
        Assert.Equal(module ? kept - 1 : kept, EmulatedDriver.LiveAllocations());
        graph.Launch();
        Assert.Equal(module ? [1f, 2f] : [6f, 12f], y.ToArray());
    }

    [Fact]
    public void ARecordingWithNothingToGiveBackFailsAndLeavesTheDeviceUsable()
    {
        using var emulated = TestGpu.OpenEmulated(exact: false);
        var device = emulated.Device;
        Tensor x = emulated.Upload(1, 2), y = emulated.Make(2);
        device.Memory.Flush();
        int calls = 0;
        void Work()
        {
            calls++;
            using var between = new Tensor(device, new Shape(1 << 12));
            device.LinearCombination(3, x, 0, null, between.Slice(0, x.Shape));
            device.LinearCombination(2, between.Slice(0, x.Shape), 0, null, y);
        }
        EmulatedDriver.FailAllocation(1, long.MaxValue);
        Assert.StartsWith("Out of memory: ", Assert.Throws<DeviceException>(() => device.Capture(Work)).Message);
        Assert.Equal((1, 0), (calls, device.Memory.ReservedBytes));
        EmulatedDriver.FailAllocation(0, 0);
        using var graph = device.Capture(Work);
        graph.Launch();
        Assert.Equal([6f, 12f], y.ToArray());
    }
}
