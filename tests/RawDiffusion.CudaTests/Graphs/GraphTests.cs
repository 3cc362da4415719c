using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Testing;
using RawDiffusion.Training;

namespace RawDiffusion.CudaTests;

public class GraphTests
{
    [Fact]
    public void ReplaysWhatWasRecordedAndReadsWhatChanged()
    {
        using var gpu = TestGpu.Open(exact: false);
        var device = gpu.Device;
        Tensor x = gpu.Upload(1, 2), y = gpu.Make(2);
        using var graph = device.Capture(() => device.LinearCombination(2, x, 0, null, y));
        Assert.Equal(1, graph.Nodes);
        Assert.Equal(0, TestGpu.Launches() ?? 0);
        graph.Launch();
        Assert.Equal([2f, 4f], y.ToArray());
        x.Upload([5f, 6f]);
        graph.Launch();
        graph.Launch();
        Assert.Equal([10f, 12f], y.ToArray());
        Assert.Equal(3, TestGpu.Launches("linear_combination") ?? 3);
    }

    /// <summary>Whatever was derived from the content before is out of date after each launch, called, recorded or replayed, for slices and uploads, too.</summary>
    [Fact]
    public void EveryLaunchMarksWhatItWrites()
    {
        using var gpu = TestGpu.Open();
        var device = gpu.Device;
        Tensor x = gpu.Upload(1, 2), y = gpu.Make(2), arena = gpu.Make(8), constant = gpu.Make(1);
        using var recording = device.Record(() =>
        {
            device.LinearCombination(2, x, 0, null, y);
            device.Silu(x, arena.Slice(4, x.Shape));
            constant.Upload([3f]);
            using var gone = new Tensor(device, x.Shape);
            device.Silu(x, gone);
        });
        Tensor[] written = [y, arena, constant];
        long input = x.Version;
        for (int i = 0; i < 4; i++)
        {
            long[] before = [.. written.Select(t => t.Version)];
            recording.Launch();
            Assert.All(written.Zip(before), pair => Assert.NotEqual(pair.Second, pair.First.Version));
        }
        Assert.Equal(input, x.Version);
    }

    [Fact]
    public void UploadsWhileRecordingAreConstantsOfTheGraph()
    {
        using var gpu = TestGpu.Open();
        var x = gpu.Make(1);
        float[] source = [3];
        using var graph = gpu.Device.Capture(() => x.Upload(source));
        source[0] = 4;
        for (int i = 0; i < 2; i++)
        {
            graph.Launch();
            Assert.Equal([3f], x.ToArray());
            x.Upload([0f]);
        }
    }

    /// <summary>Uploads go through a ring of pinned memory, which comes round; a graph's constants do not lie there.</summary>
    [Fact]
    public void AGraphsConstantsOutlastAnyNumberOfUploads()
    {
        using var gpu = TestGpu.Open();
        Tensor x = gpu.Make(1), others = gpu.Make(1 << 18);
        using var graph = gpu.Device.Capture(() => x.Upload([3f]));
        float[] values = [.. Enumerable.Repeat(4f, 1 << 18)];
        for (int i = 0; i < 8; i++)
        {
            others.Upload(values);
        }
        graph.Launch();
        Assert.Equal([3f], x.ToArray());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MemoryRentedWhileRecordingStaysWithTheGraph(bool exact)
    {
        using var gpu = TestGpu.Open(exact: exact);
        var device = gpu.Device;
        Tensor x = gpu.Upload(1, 2, 3), y = gpu.Make(3);
        long before = device.Memory.LiveBlocks;
        var graph = device.Capture(() =>
        {
            using var intermediate = new Tensor(device, x.Shape);
            device.LinearCombination(2, x, 0, null, intermediate);
            device.LinearCombination(1, intermediate, 1, x, y);
        });
        Assert.Equal(before, device.Memory.LiveBlocks);
        // Who asks for memory now gets other memory than the graph's intermediate, which a launch overwrites.
        var others = Enumerable.Range(0, 20).Select(_ => gpu.Upload(7, 7, 7)).ToList();
        graph.Launch();
        Assert.Equal([3f, 6f, 9f], y.ToArray());
        Assert.All(others, other => Assert.Equal([7f, 7f, 7f], other.ToArray()));
        graph.Dispose();
        long raw = device.Memory.RawAllocations;
        gpu.Make(3);
        Assert.Equal(exact ? raw + 1 : raw, device.Memory.RawAllocations);
    }

    [Fact]
    public void WaitingOrReadingWhileRecordingFailsAndLeavesTheDeviceUsable()
    {
        using var gpu = TestGpu.Open();
        var x = gpu.Upload(1);
        foreach (var forbidden in (Action[])[() => x.ToArray(), gpu.Device.Synchronize, () => gpu.Device.Capture(() => { })])
        {
            Assert.StartsWith("While a CUDA graph was recorded, ", Assert.Throws<InvalidOperationException>(() => gpu.Device.Capture(forbidden)).Message);
        }
        Assert.Equal([1f], x.ToArray());
        using var graph = gpu.Device.Capture(() => gpu.Device.LinearCombination(2, x, 0, null, x));
        graph.Launch();
        Assert.Equal([2f], x.ToArray());
    }

    [Fact]
    public void AFaultInAGraphLosesTheDevice()
    {
        using var gpu = TestGpu.OpenEmulated();
        var kernel = gpu.Kernel("off_by_one");
        var x = gpu.Make(4);
        using var graph = gpu.Device.Capture(() => kernel.Launch(gpu.Stream, 1, 32, 0, x, 4));
        graph.Launch();
        Assert.Contains("kernel off_by_one", Assert.Throws<DeviceException>(gpu.Device.Synchronize).Message);
        Assert.True(gpu.Device.IsLost);
    }

    /// <summary>The driver brings a kernel to the GPU when it is first looked up, which takes memory and may wait.</summary>
    [Fact]
    public void ADeviceThatCompilesAheadLooksNothingUpWhileRecording()
    {
        TestGpu.RequireEmulated();
        foreach (bool ahead in (bool[])[true, false])
        {
            using var device = new CudaDevice(TestGpu.Options with { CompileAhead = ahead });
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
    public void MatrixProductsCanBeRecordedOnceTheyHaveRun()
    {
        using var gpu = TestGpu.Open();
        Tensor a = gpu.Upload(1, 2, 3, 4), b = gpu.Upload(5, 6, 7, 8), c = gpu.Make(4);
        void Product() => gpu.Device.Blas.Multiply(false, false, 2, 2, 2, 1, a.Address, 2, b.Address, 2, 0, c.Address, 2);
        Product();
        using var graph = gpu.Device.Capture(Product);
        c.Clear();
        graph.Launch();
        Assert.Equal([19f, 22f, 43f, 50f], c.ToArray());
    }

    /// <summary>By the machine code's own table, whatever the compiler's log says, or does not.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void EveryKernelIsLookedUpWhenADeviceThatCompilesAheadIsOpened(bool tf32)
    {
        TestGpu.RequireEmulated();
        using var device = new CudaDevice(TestGpu.Options with { CompileAhead = true, Tf32 = tf32 });
        long all = KernelSources.All.Sum(KernelCount.In);
        Assert.True(all > 40, $"{all} kernels");
        Assert.Equal(all, EmulatedDriver.Lookups());
        using var training = new TinyTraining(device, TinyTraining.Network(side: 8, 4, 8));
        training.Run(0);
        training.Run(1);
        Assert.Equal(all, EmulatedDriver.Lookups());
    }
}
