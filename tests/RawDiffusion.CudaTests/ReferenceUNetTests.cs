using RawDiffusion.Cuda;
using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

/// <summary>The whole U-Net against the hub's own implementation, on the emulated GPU.</summary>
public class ReferenceUNetTests
{
    private static readonly DeviceUnderTest Emulated = new(
        "CUDA, emulated", () => new CudaDevice(new CudaOptions { Cache = EmulatedDriver.Cache, CompileAhead = false }), Precision.Float32);

    public static TheoryData<string> Models => new(ReferenceUNet.Models);

    [Theory]
    [MemberData(nameof(Models))]
    public void ForwardAndBackwardAgree(string model)
    {
        EmulatedDevice.Require();
        ReferenceUNet.ForwardAndBackwardAgree(model, Emulated);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void FiveTrainingStepsAgree(string model)
    {
        EmulatedDevice.Require();
        ReferenceUNet.FiveTrainingStepsAgree(model, Emulated);
    }
}
