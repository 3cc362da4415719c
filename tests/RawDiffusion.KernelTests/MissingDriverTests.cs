using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.KernelTests;

public class MissingDriverTests
{
    [Fact]
    public void WithoutADriverTheMessageListsEveryNameTried()
    {
        Assert.SkipWhen(NativeLibraries.Find(NativeLibraries.DriverName).Found is not null, "this machine has a CUDA driver");
        var failure = Assert.Throws<DeviceException>(() => new CudaContext(0));
        Assert.Contains("The library 'cuda' was not found", failure.Message);
        Assert.Contains("Tried, in this order: libcuda.so.1, libcuda.so", failure.Message);
    }
}
