using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

public class DeviceChoiceTests
{
    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public void AGpuThatIsNotThereIsNamedWithHowManyThereAre(int ordinal)
    {
        TestGpu.RequireEmulated();
        var failure = Assert.Throws<DeviceException>(() => new CudaDevice(TestGpu.Options with { Ordinal = ordinal }));
        Assert.Contains($"--device cuda:{ordinal} was asked for, but the driver shows 1 GPU(s)", failure.Message);
        Assert.Equal(0, EmulatedDriver.Contexts());
    }
}
