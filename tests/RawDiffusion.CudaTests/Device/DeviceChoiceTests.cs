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
        Assert.Contains($"There is no GPU of ordinal {ordinal}: the driver shows 1, counted from 0", failure.Message);
        Assert.Equal(0, EmulatedDriver.Contexts());
    }

    [Theory]
    [InlineData(8, 0, "sm_80")]
    [InlineData(8, 9, "sm_89")]
    [InlineData(9, 0, "sm_90a")]
    [InlineData(12, 0, "sm_120a")]
    public void KernelsAreCompiledForTheChipAlone(int major, int minor, string target) => Assert.Equal(target, CudaProperties.Target(major, minor));
}
