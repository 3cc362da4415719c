using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

public class GraphTests
{
    [Fact]
    public void ReplaysWhatWasRecordedAndReadsWhatChanged()
    {
        using var emulated = EmulatedDevice.Open(exact: false);
        var device = emulated.Device;
        Tensor x = emulated.Upload(1, 2), y = emulated.Make(2);
        using var graph = device.Capture(() => device.LinearCombination(2, x, 0, null, y));
        Assert.Equal(1, graph.Nodes);
        Assert.Equal(0, EmulatedDriver.Launches());
        graph.Launch();
        Assert.Equal([2f, 4f], y.ToArray());
        x.Upload([5f, 6f]);
        graph.Launch();
        graph.Launch();
        Assert.Equal([10f, 12f], y.ToArray());
        Assert.Equal(3, EmulatedDriver.Launches("linear_combination"));
    }

    [Fact]
    public void UploadsWhileRecordingAreConstantsOfTheGraph()
    {
        using var emulated = EmulatedDevice.Open();
        var x = emulated.Make(1);
        float[] source = [3];
        using var graph = emulated.Device.Capture(() => x.Upload(source));
        source[0] = 4;
        for (int i = 0; i < 2; i++)
        {
            graph.Launch();
            Assert.Equal([3f], x.ToArray());
            x.Upload([0f]);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MemoryRentedWhileRecordingStaysWithTheGraph(bool exact)
    {
        using var emulated = EmulatedDevice.Open(exact: exact);
        var device = emulated.Device;
        Tensor x = emulated.Upload(1, 2, 3), y = emulated.Make(3);
        long before = device.Memory.LiveBlocks;
        var graph = device.Capture(() =>
        {
            using var intermediate = new Tensor(device, x.Shape);
            device.LinearCombination(2, x, 0, null, intermediate);
            device.LinearCombination(1, intermediate, 1, x, y);
        });
        Assert.Equal(before, device.Memory.LiveBlocks);
        // Who asks for memory now gets other memory than the graph's intermediate, which a launch overwrites.
        var others = Enumerable.Range(0, 20).Select(_ => emulated.Upload(7, 7, 7)).ToList();
        graph.Launch();
        Assert.Equal([3f, 6f, 9f], y.ToArray());
        Assert.All(others, other => Assert.Equal([7f, 7f, 7f], other.ToArray()));
        graph.Dispose();
        long raw = device.Memory.RawAllocations;
        emulated.Make(3);
        Assert.Equal(exact ? raw + 1 : raw, device.Memory.RawAllocations);
    }

    [Fact]
    public void WaitingOrReadingWhileRecordingFailsAndLeavesTheDeviceUsable()
    {
        using var emulated = EmulatedDevice.Open();
        var x = emulated.Upload(1);
        foreach (Action forbidden in (Action[])[() => x.ToArray(), emulated.Device.Synchronize, () => emulated.Device.Capture(() => { })])
        {
            Assert.StartsWith("While a CUDA graph was recorded, ", Assert.Throws<InvalidOperationException>(() => emulated.Device.Capture(forbidden)).Message);
        }
        Assert.Equal([1f], x.ToArray());
        using var graph = emulated.Device.Capture(() => emulated.Device.LinearCombination(2, x, 0, null, x));
        graph.Launch();
        Assert.Equal([2f], x.ToArray());
    }

    [Fact]
    public void AFaultInAGraphLosesTheDevice()
    {
        using var emulated = EmulatedDevice.Open();
        var kernel = emulated.Kernel("off_by_one");
        var x = emulated.Make(4);
        using var graph = emulated.Device.Capture(() => kernel.Launch(emulated.Stream, 1, 32, 0, x, 4));
        graph.Launch();
        Assert.Contains("kernel off_by_one", Assert.Throws<DeviceException>(emulated.Device.Synchronize).Message);
        Assert.True(emulated.Device.IsLost);
    }

    /// <summary>The driver brings a kernel to the GPU when it is first looked up, which takes memory and may wait.</summary>
    [Fact]
    public void ADeviceThatCompilesAheadLooksNothingUpWhileRecording()
    {
        EmulatedDevice.Require();
        foreach (bool ahead in (bool[])[true, false])
        {
            using var device = new CudaDevice(new CudaOptions { Cache = EmulatedDriver.Cache, CompileAhead = ahead });
            using Tensor x = new Tensor(device, new Shape(1, 2, 2, 4)).Clear(), y = new Tensor(device, new Shape(1, 4, 4, 4));
            device.Capture(() =>
            {
                device.Silu(x, x);
                device.UpsampleNearest(x, y);
            }).Dispose();
            Assert.Equal(ahead ? 0 : 2, EmulatedDriver.LookupsWhileRecording());
        }
    }

    [Fact]
    public void MatrixProductsCanBeRecorded()
    {
        using var emulated = EmulatedDevice.Open();
        Tensor a = emulated.Upload(1, 2, 3, 4), b = emulated.Upload(5, 6, 7, 8), c = emulated.Make(4);
        using var graph = emulated.Device.Capture(() => emulated.Device.Blas.Multiply(false, false, 2, 2, 2, 1, a.Address, 2, b.Address, 2, 0, c.Address, 2));
        graph.Launch();
        Assert.Equal([19f, 22f, 43f, 50f], c.ToArray());
    }
}
