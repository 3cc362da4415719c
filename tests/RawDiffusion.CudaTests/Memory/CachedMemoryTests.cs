using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

/// <summary>Memory that the pool keeps for later is given back when the driver itself finds none for what it makes.</summary>
public class CachedMemoryTests
{
    [Fact]
    public void AModuleIsLoadedOnceTheCacheHasBeenGivenBack()
    {
        using var emulated = TestGpu.OpenEmulated(exact: false);
        var x = emulated.Upload(1, 2);
        CheckGivenBack(emulated, () => emulated.Device.Silu(x, x));
        Assert.Equal(1, EmulatedDriver.Launches("silu_forward") + EmulatedDriver.Pending());
    }

    [Fact]
    public void AGraphIsMadeOnceTheCacheHasBeenGivenBack()
    {
        using var emulated = TestGpu.OpenEmulated(exact: false);
        var x = emulated.Upload(1, 2);
        emulated.Device.LinearCombination(2, x, 0, null, x);
        CheckGivenBack(emulated, () =>
        {
            using var graph = emulated.Device.Capture(() => emulated.Device.LinearCombination(2, x, 0, null, x));
            graph.Launch();
            Assert.Equal([4f, 8f], x.ToArray());
        });
    }

    private static void CheckGivenBack(TestGpu emulated, Action work)
    {
        emulated.Make(1000).Dispose();
        emulated.Device.Synchronize();
        Assert.True(emulated.Device.Memory.CachedBytes > 0);
        EmulatedDriver.FailAllocation(1);
        work();
        Assert.Equal(0, emulated.Device.Memory.CachedBytes);
    }
}
